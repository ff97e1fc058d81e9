// Forms that send: once at a time, and what went wrong stands in them.
import { useState } from "preact/hooks";
import { Icon } from "./icons.jsx";

/** `send` is a form's `onSubmit`; `work` gets its fields, and rejects in words that can be shown. */
export function useSending(work, initialFault) {
  const [fault, setFault] = useState(initialFault);
  const [isBusy, setBusy] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const fields = Object.fromEntries(new FormData(form));
    setBusy(true);
    setFault(undefined);
    try {
      await work(fields);
    } catch (error) {
      setFault(error.errors?.[0]?.detail ?? error.message);
      form.querySelector("[aria-invalid]")?.focus();
    } finally {
      setBusy(false);
    }
  };
  return { fault, isBusy, send, forget: () => setFault(undefined) };
}

export function Fault({ text }) {
  return (
    text && (
      <p class="fault" role="alert">
        <Icon name="alert" />
        {text}
      </p>
    )
  );
}

/** Whom a browser knows a password for. */
export function NameAndPassword({ isWrong = false }) {
  return (
    <>
      <div class="field">
        <label for="user">User</label>
        <input id="user" name="user" class="input" autocomplete="username" autocapitalize="none" spellcheck={false} required autofocus />
      </div>
      <div class="field">
        <label for="password">Password</label>
        <input id="password" name="password" type="password" class="input" autocomplete="current-password" required aria-invalid={isWrong} />
      </div>
    </>
  );
}
