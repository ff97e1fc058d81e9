// Where one says what is wanted.
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../../shared/icons.jsx";
import { canChange, change, isChange, isReady, language, missing, mode, prompt, template } from "../state/composer.js";
import { OFFERED, nameOf } from "../state/languages.js";
import { cancel, isRunning, startOver, submit } from "../state/job.js";
import { language as sourceLanguage, origin } from "../state/source.js";
import { MODIFIER } from "./keys.js";
import { Template } from "./template.jsx";

function Modes() {
  const choose = (next) => () => {
    mode.value = next;
    document.getElementById("prompt").focus();
  };
  return (
    <div class="segments" role="group" aria-label="What to do">
      <button type="button" aria-pressed={!isChange.value} onClick={choose("new")}>
        New
      </button>
      <button type="button" aria-pressed={isChange.value} onClick={choose("change")}>
        Change this
      </button>
    </div>
  );
}

function Languages() {
  // A template, or an earlier request, may be of a language that is not offered.
  const offered = OFFERED.some(({ id }) => id === language.value) ? OFFERED : [...OFFERED, { id: language.value, name: nameOf(language.value) }];
  const allowed = template.value?.diagramTypes ?? offered.map(({ id }) => id);
  return (
    <fieldset class="segments languages" disabled={isRunning.value}>
      <legend class="unseen">Language of the diagram</legend>
      {offered.map(({ id, name }) => (
        <label key={id} class={allowed.includes(id) ? "" : "off"}>
          <input type="radio" name="language" value={id} checked={language.value === id} disabled={!allowed.includes(id)} onChange={() => (language.value = id)} />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** A field as high as its text, up to a bound that the style sets. */
function Words() {
  const field = useRef();
  const words = isChange.value ? change : prompt;
  useEffect(() => {
    field.current.style.height = "auto";
    field.current.style.height = `${field.current.scrollHeight + 2}px`;
  }, [words.value]);
  const example = isChange.value ? "Add a path for a refund, and colour what fails" : template.value ? "Anything to say besides the template" : "A customer puts an order into the cart. If the payment fails, remind them; otherwise ship it.";
  return (
    <textarea
      id="prompt"
      ref={field}
      class="words"
      rows={4}
      maxLength={20_000}
      placeholder={example}
      value={words.value}
      onInput={({ currentTarget }) => (words.value = currentTarget.value)}
      autofocus
    />
  );
}

export function Composer() {
  return (
    <section class="card composer" aria-label="What to draw">
      <div class="composer-head">
        <label for="prompt">
          <h1>{isChange.value ? "What should change?" : "Describe a diagram"}</h1>
        </label>
        {canChange.value && !isRunning.value && <Modes />}
      </div>
      <Words />
      {!isChange.value && <Languages />}
      {isChange.value && <p class="hint">The whole {nameOf(sourceLanguage.value)} source is rewritten as you say{origin.value ? "" : ", from what stands in the editor"}.</p>}
      {!isChange.value && <Template />}
      {missing.value.length > 0 && !isRunning.value && (
        <p class="hint" id="missing">
          Still to fill in: <strong>{missing.value.join(", ")}</strong>
        </p>
      )}
      <div class="composer-foot">
        {isRunning.value ? (
          <button type="button" class="button wide" onClick={cancel}>
            <Icon name="close" />
            Cancel <kbd>Esc</kbd>
          </button>
        ) : (
          <button type="button" class="button primary wide" onClick={submit} disabled={!isReady.value} aria-describedby={missing.value.length > 0 ? "missing" : undefined}>
            <Icon name="spark" />
            {isChange.value ? "Change it" : "Draw it"} <kbd>{MODIFIER} ↵</kbd>
          </button>
        )}
        {canChange.value && !isRunning.value && (
          <button type="button" class="button" onClick={clear}>
            Start over
          </button>
        )}
      </div>
    </section>
  );
}

function clear() {
  startOver();
  prompt.value = change.value = "";
  document.getElementById("prompt").focus();
}
