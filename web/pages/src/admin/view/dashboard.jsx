// The sections and the way between them.
import { useEffect } from "preact/hooks";
import { Icon } from "../../shared/icons.jsx";
import { queue } from "../state/live.js";
import { section, to } from "../state/route.js";
import { Configuration } from "./configuration.jsx";
import { Question } from "./dialog.jsx";
import { short } from "./format.js";
import { Notices } from "./notices.jsx";
import { Overview } from "./overview.jsx";
import { Requests } from "./requests.jsx";
import { Usage } from "./usage.jsx";
import { Users } from "./users.jsx";

const SECTIONS = [
  { name: "overview", title: "Overview", icon: "gauge", View: Overview },
  { name: "requests", title: "Requests", icon: "list", View: Requests },
  { name: "users", title: "Users and keys", icon: "people", View: Users },
  { name: "usage", title: "Usage and cost", icon: "chart", View: Usage },
  { name: "configuration", title: "Configuration", icon: "sliders", View: Configuration },
];

export function Dashboard() {
  const shown = SECTIONS.find(({ name }) => name === section.value) ?? SECTIONS[0];
  useEffect(() => {
    document.title = `${shown.title} · diagramd`;
    // On a phone the way between the sections is wider than the screen.
    document.querySelector(".side [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [shown]);
  const { View } = shown;
  return (
    <div class="frame">
      <nav class="side" aria-label="Sections">
        {SECTIONS.map(({ name, title, icon }) => (
          <a key={name} href={to(name)} aria-current={name === shown.name ? "page" : undefined}>
            <Icon name={icon} />
            <span>{title}</span>
            {name === "requests" && queue.value?.depth > 0 && <span class="count">{short(queue.value.depth)}</span>}
          </a>
        ))}
      </nav>
      <main class="section" id="section">
        <h1 class="unseen">{shown.title}</h1>
        <View />
      </main>
      <Question />
      <Notices />
    </div>
  );
}
