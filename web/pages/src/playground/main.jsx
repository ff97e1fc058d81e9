// The playground's entry.
import { render } from "preact";
import { begin } from "../shared/session.js";
import { Playground } from "./view/playground.jsx";

render(<Playground />, document.getElementById("page"));
begin();
