// Who is not in yet: by a password or a link; and what comes right after a link.
import { Fault, NameAndPassword, useSending } from "../../shared/form.jsx";
import { attempt } from "../state/notice.js";
import { linkFault, person, setPassword, setPasswordLater, signIn, signOut } from "../state/session.js";

export function SignIn() {
  const { fault, isBusy, send } = useSending(({ user, password }) => signIn(user, password), linkFault());
  return (
    <main class="quiet-page narrow">
      <h1>Sign in</h1>
      <form class="card access" onSubmit={send}>
        <NameAndPassword />
        <Fault text={fault} />
        <button class="button primary" disabled={isBusy}>
          Sign in
        </button>
      </form>
      <p class="hint">
        No password yet? On the server, <code>diagramd user link NAME</code> prints a link that signs in once, and <code>diagramd user set-password NAME --admin</code> sets one.
      </p>
    </main>
  );
}

/** Two fields that must agree. */
export function PasswordFields({ asksCurrent }) {
  return (
    <>
      {/* Tells password managers whose password it is. */}
      <input name="username" value={person.value.user} autocomplete="username" hidden readonly />
      {asksCurrent && (
        <div class="field">
          <label for="current">Password so far</label>
          <input id="current" name="current" type="password" class="input" autocomplete="current-password" required />
        </div>
      )}
      <div class="field">
        <label for="new-password">New password</label>
        <input id="new-password" name="password" type="password" class="input" autocomplete="new-password" minlength={12} required aria-describedby="password-hint" />
        <p class="hint" id="password-hint">
          At least 12 characters.
        </p>
      </div>
      <div class="field">
        <label for="again">The same again</label>
        <input id="again" name="again" type="password" class="input" autocomplete="new-password" required />
      </div>
    </>
  );
}

export async function changePassword({ password, again, current }) {
  if (password !== again) throw new Error("The two passwords differ.");
  await setPassword(password, current);
}

export function FirstPassword({ user }) {
  const { fault, isBusy, send } = useSending(changePassword);
  return (
    <main class="quiet-page narrow">
      <h1>Welcome, {user}</h1>
      <p>The link worked, and works no more. Choose a password for the next time.</p>
      <form class="card access" onSubmit={send}>
        <PasswordFields />
        <Fault text={fault} />
        <div class="row">
          <button class="button primary" disabled={isBusy}>
            Set the password
          </button>
          <button type="button" class="button" onClick={setPasswordLater}>
            Later
          </button>
        </div>
      </form>
    </main>
  );
}

export function NoAdmin({ user }) {
  return (
    <main class="quiet-page narrow">
      <h1>{user} is no admin</h1>
      <p>
        This page is for whoever runs the server. Your own diagrams are in the <a href=".">playground</a>.
      </p>
      <p>
        <button type="button" class="button" onClick={() => attempt(signOut)}>
          Sign in as somebody else
        </button>
      </p>
    </main>
  );
}
