// Asks for a key. It is exchanged for a token at once and kept nowhere.
import { useState } from "preact/hooks";
import { Icon } from "./icons.jsx";
import { accessReason, enter } from "./session.js";

export function AccessPage({ title, what }) {
  const [fault, setFault] = useState();
  const [isBusy, setBusy] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    const field = event.currentTarget.elements.key;
    setBusy(true);
    setFault(undefined);
    try {
      await enter(field.value);
    } catch (error) {
      setFault(error.message);
      setBusy(false);
      field.focus();
    }
  };
  return (
    <main class="quiet-page">
      <h1>{title}</h1>
      <p>{what}</p>
      <form class="card access" onSubmit={send}>
        {accessReason.value && <p class="hint">{accessReason}</p>}
        <div class="field">
          <label for="key">API key</label>
          <input id="key" name="key" type="password" class="input" autocomplete="off" spellcheck={false} required autofocus aria-describedby="key-hint" aria-invalid={fault !== undefined} />
          <p class="hint" id="key-hint">
            It is exchanged for a pass that ends with this tab. The key itself is not kept.
          </p>
        </div>
        {fault && (
          <p class="fault" role="alert">
            <Icon name="alert" />
            {fault}
          </p>
        )}
        <button class="button primary" disabled={isBusy}>
          <Icon name="key" />
          Come in
        </button>
      </form>
      <p class="hint">Keys are given by whoever runs this server.</p>
    </main>
  );
}
