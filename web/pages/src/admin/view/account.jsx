// Who is signed in, and what they can do about it.
import { useRef, useState } from "preact/hooks";
import { Icon } from "../../shared/icons.jsx";
import { attempt } from "../state/notice.js";
import { person, signOut } from "../state/session.js";
import { Dialog } from "./dialog.jsx";
import { PasswordFields, changePassword } from "./sign-in.jsx";

export function Account() {
  const menu = useRef();
  const [isChanging, setChanging] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.currentTarget));
    if (await attempt(() => changePassword(fields), "The password is set; your other sessions have ended.")) setChanging(false);
  };
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
          <button type="button" onClick={signOut}>
            Sign out
          </button>
        </div>
      </details>
      {isChanging && (
        <Dialog title="Change the password" onClose={() => setChanging(false)}>
          <form class="form" onSubmit={send}>
            <PasswordFields asksCurrent={person.value.hasPassword} />
            <div class="row end">
              <button class="button primary">Set the password</button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  );
}
