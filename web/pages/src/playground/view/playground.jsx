// The whole page, and what happens when access is there.
import { effect, untracked } from "@preact/signals";
import { access, isExpected } from "../../shared/session.js";
import { AccessPage } from "../../shared/access.jsx";
import { Shell } from "../../shared/shell.jsx";
import { loadTemplates } from "../state/composer.js";
import { remembered, resume } from "../state/job.js";
import { refreshUsage } from "../state/usage.js";
import { Announcer } from "./announcer.jsx";
import { Composer } from "./composer.jsx";
import { History, HistoryButton } from "./history.jsx";
import { listenToKeys } from "./keys.js";
import { Notice } from "./notice.jsx";
import { Picture } from "./picture.jsx";
import { Progress } from "./progress.jsx";
import { Source } from "./source.jsx";
import { UsageButton } from "./usage.jsx";

listenToKeys();
effect(() => {
  if (access.value !== "open") return;
  untracked(() => {
    refreshUsage();
    loadTemplates().catch(() => {});
    const requestId = remembered();
    if (requestId) resume(requestId);
  });
});

/** Of the software of others in this page; its name changes with its content. */
const licences = document.querySelector('meta[name="diagramd-licences"]').content;

export function Playground() {
  if (access.value === "closed") {
    return (
      <Shell>
        <AccessPage title="Diagrams from words" what="Describe a diagram in your own words, watch it being written and drawn, change it, and take it with you." />
      </Shell>
    );
  }
  if (access.value === "checking" && !isExpected) {
    return (
      <Shell>
        <main class="quiet-page" aria-busy="true" />
      </Shell>
    );
  }
  return (
    <Shell
      actions={
        <>
          <UsageButton />
          <HistoryButton />
        </>
      }
    >
      <main class="workshop">
        <div class="left">
          <Composer />
          <Progress />
          <Notice />
        </div>
        <Picture />
        <Source />
      </main>
      <History />
      <Announcer />
      <footer class="foot">
        <span>Nothing leaves this server but what its model is asked.</span>
        <a href="docs">API</a>
        <a href="openapi.json">OpenAPI</a>
        <a href={licences}>Licences</a>
      </footer>
    </Shell>
  );
}
