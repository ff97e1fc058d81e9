// What every page has around it: the name, the way to the other pages, the colours.
import { Icon } from "./icons.jsx";
import { theme, toggleTheme } from "./theme.js";

function ThemeButton() {
  const other = theme.value === "dark" ? "light" : "dark";
  return (
    <button type="button" class="icon-button" onClick={toggleTheme} aria-label={`Use ${other} colours`} title={`Use ${other} colours`}>
      <Icon name={other === "light" ? "sun" : "moon"} />
    </button>
  );
}

/** `actions` stand at the header's end. */
export function Shell({ actions, children }) {
  return (
    <>
      <header class="top">
        <a class="brand" href="." aria-label="diagramd, the playground">
          <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
            <path d="M9 11v10M12 8h7" stroke="currentColor" stroke-width="2" />
            <circle cx="9" cy="8" r="4.5" />
            <circle cx="23" cy="8" r="4.5" class="hollow" />
            <circle cx="9" cy="24" r="4.5" class="hollow" />
          </svg>
          <span>diagramd</span>
        </a>
        <nav aria-label="Pages">
          <a href="docs">API</a>
        </nav>
        <div class="top-actions">
          {actions}
          <ThemeButton />
        </div>
      </header>
      {children}
    </>
  );
}
