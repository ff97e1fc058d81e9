// The dashboard's entry.
import { render } from "preact";
import { Shell } from "../shared/shell.jsx";

function Admin() {
  return (
    <Shell title="Operation">
      <main class="quiet-page">
        <h1>The dashboard is not part of this build</h1>
        <p>What it would show is in the API: <a href="docs">its description</a>.</p>
      </main>
    </Shell>
  );
}

render(<Admin />, document.getElementById("page"));
