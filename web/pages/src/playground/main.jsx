// The playground's entry.
import { render } from "preact";
import { Shell } from "../shared/shell.jsx";

render(<Shell title="Playground"><main class="quiet-page"><h1>Diagrams from words</h1></main></Shell>, document.getElementById("page"));
