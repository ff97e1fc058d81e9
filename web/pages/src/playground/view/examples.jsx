// What a page without a diagram shows: prompts to begin with.
import { Icon } from "../../shared/icons.jsx";
import { language, mode, prompt } from "../state/composer.js";
import { begun } from "../state/source.js";

const EXAMPLES = [
  { title: "A process", words: "A customer places an order. If the payment is declined, ask for another card and try again; otherwise pack the order and ship it." },
  { title: "Who talks to whom", words: "Sequence: the browser asks the gateway for a token, the gateway asks the identity provider, the provider answers, the gateway gives the token to the browser." },
  { title: "Data and relations", words: "ER diagram: a customer has many orders. An order has many items. An item is of one product. A product belongs to a category." },
  { title: "Steps in time", words: "Gantt: research takes two weeks, then design takes three weeks, then build takes six weeks, then launch." },
];

function take(words) {
  prompt.value = words;
  mode.value = "new";
  language.value = "mermaid";
  document.getElementById("prompt").focus();
}

export function Examples() {
  return (
    <div class="examples">
      <h2>Say it in your own words. Or begin with one of these.</h2>
      <ul>
        {EXAMPLES.map(({ title, words }) => (
          <li key={title}>
            <button type="button" class="example" onClick={() => take(words)}>
              <strong>
                <Icon name="pencil" />
                {title}
              </strong>
              <span>{words}</span>
            </button>
          </li>
        ))}
      </ul>
      <button type="button" class="plain" onClick={() => begun(language.value)}>
        Or write the source yourself
      </button>
    </div>
  );
}
