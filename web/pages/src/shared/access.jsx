// Lets people in: by an API key, or by a name and a password. A one-time link needs no form.
import { useState } from "preact/hooks";
import { Icon } from "./icons.jsx";
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

function Password({ fault }) {
  return (
    <>
      <div class="field">
        <label for="user">User</label>
        <input id="user" name="user" class="input" autocomplete="username" autocapitalize="none" spellcheck={false} required autofocus />
      </div>
      <div class="field">
        <label for="password">Password</label>
        <input id="password" name="password" type="password" class="input" autocomplete="current-password" required aria-invalid={fault !== undefined} />
      </div>
    </>
  );
}

export function AccessPage({ title, what }) {
  const [way, setWay] = useState("key");
  const [fault, setFault] = useState();
  const [isBusy, setBusy] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    const { key, user, password } = event.currentTarget.elements;
    setBusy(true);
    setFault(undefined);
    try {
      await (way === "key" ? enterByKey(key.value) : enterByPassword(user.value, password.value));
    } catch (error) {
      setFault(error.message);
      setBusy(false);
      (key ?? password).focus();
    }
  };
  const turn = () => {
    setFault(undefined);
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
        {way === "key" ? <Key fault={fault} /> : <Password fault={fault} />}
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
      <p class="hint">
        <button type="button" class="link" onClick={turn}>
          {way === "key" ? "Use a name and a password" : "Use an API key"}
        </button>
        , or open the one-time link that whoever runs this server gave you.
      </p>
    </main>
  );
}
