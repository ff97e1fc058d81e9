// The dashboard's entry: who is there, and then what they may see.
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { Shell } from "../shared/shell.jsx";
import { begin, person } from "./state/session.js";
import { Account } from "./view/account.jsx";
import { Dashboard } from "./view/dashboard.jsx";
import { Live } from "./view/live.jsx";
import { FirstPassword, NoAdmin, SignIn } from "./view/sign-in.jsx";

function Content() {
  const who = person.value;
  if (who === undefined) return <main class="quiet-page" aria-busy="true" />;
  if (who === null) return <SignIn />;
  if (who.role !== "admin") return <NoAdmin user={who.user} />;
  return who.hasPassword || who.isLater ? <Dashboard /> : <FirstPassword user={who.user} />;
}

function Admin() {
  useEffect(() => void begin(), []);
  const isIn = person.value?.role === "admin";
  return (
    <Shell
      actions={
        person.value && (
          <>
            {isIn && <Live />}
            <Account />
          </>
        )
      }
    >
      <Content />
    </Shell>
  );
}

render(<Admin />, document.getElementById("page"));
