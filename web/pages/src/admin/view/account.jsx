// Who is signed in, and what they can do about it.
import { useRef, useState } from "preact/hooks";
import { Fault, useSending } from "../../shared/form.jsx";
import { Icon } from "../../shared/icons.jsx";
import { attempt, say } from "../state/notice.js";
import { person, signOut } from "../state/session.js";
import { Dialog } from "./dialog.jsx";
import { PasswordFields, changePassword } from "./sign-in.jsx";

export function Account() {
  const menu = useRef();
  const [isChanging, setChanging] = useState(false);
  const { fault, isBusy, send } = useSending(async (fields) => {
    await changePassword(fields);
    setChanging(false);
    say("The password is set; your other sessions have ended.");
  });
  const close = () => menu.current?.removeAttribute("open");
  return (
    <>
      <details class="menu" ref={menu} onKeyDown={(event) => event.key === "Escape" && close()} onFocusOut={(event) => !event.currentTarget.contains(event.relatedTarget) && close()}>
        <summary class="icon-button" aria-label={`Account of ${person.value.user}`} title={person.value.user}>
          <Icon name="person" />
        </summary>
        <div class="menu-list">
          <p class="hint">
            Signed in as <strong>{person.value.user}</strong>
          </p>
          <button
            type="button"
            onClick={() => {
              close();
              setChanging(true);
            }}
          >
            Change the password
          </button>
          <button type="button" onClick={() => attempt(signOut)}>
            Sign out
          </button>
        </div>
      </details>
      {isChanging && (
        <Dialog title="Change the password" onClose={() => setChanging(false)}>
          <form class="form" onSubmit={send}>
            <PasswordFields asksCurrent={person.value.hasPassword} />
            <Fault text={fault} />
            <div class="row end">
              <button class="button primary" disabled={isBusy}>
                Set the password
              </button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  );
}
