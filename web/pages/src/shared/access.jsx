// Lets people in: by an API key, or by a name and a password. A one-time link needs no form.
import { useState } from "preact/hooks";
import { Icon } from "./icons.jsx";
import { Fault, NameAndPassword, useSending } from "./form.jsx";
import { accessReason, enterByKey, enterByPassword } from "./session.js";

function Key({ fault }) {
  return (
    <div class="field">
      <label for="key">API key</label>
      <input id="key" name="key" type="password" class="input" autocomplete="off" spellcheck={false} required autofocus aria-describedby="key-hint" aria-invalid={fault !== undefined} />
      <p class="hint" id="key-hint">
        It is exchanged for a pass that ends with this tab. The key itself is not kept.
      </p>
    </div>
  );
}

export function AccessPage({ title, what }) {
  const [way, setWay] = useState("key");
  const { fault, isBusy, send, forget } = useSending(({ key, user, password }) => (way === "key" ? enterByKey(key) : enterByPassword(user, password)));
  const turn = () => {
    forget();
    setWay(way === "key" ? "password" : "key");
  };
  return (
    <main class="quiet-page">
      <h1>{title}</h1>
      <p>{what}</p>
      <form class="card access" onSubmit={send}>
        {accessReason.value && (
          <p class="hint" role="alert">
            {accessReason}
          </p>
        )}
        {way === "key" ? <Key fault={fault} /> : <NameAndPassword isWrong={fault !== undefined} />}
        <Fault text={fault} />
        <button class="button primary" disabled={isBusy}>
          <Icon name="key" />
          Come in
        </button>
      </form>
      <p class="hint">
        <button type="button" class="link" onClick={turn}>
          {way === "key" ? "Use a name and a password" : "Use an API key"}
        </button>
        , or open the one-time link that whoever runs this server gave you.
      </p>
    </main>
  );
}
