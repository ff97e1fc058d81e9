// The languages, and what of each can be had here: the server says with the page what it draws, and this page draws
// two of them itself.

const LANGUAGES = [
  { id: "mermaid", name: "Mermaid" },
  { id: "graphviz", name: "Graphviz" },
  { id: "plantuml", name: "PlantUML" },
  { id: "d2", name: "D2" },
];
const DRAWN_BY_PAGE = ["mermaid", "graphviz"];
const drawnByServer = document.querySelector('meta[name="diagramd-draws"]').content.split(" ");

export const isDrawnByPage = (language) => DRAWN_BY_PAGE.includes(language);
/** Whether there is a picture to take along. */
export const isDrawnByServer = (language) => drawnByServer.includes(language);
const isDrawn = (language) => isDrawnByPage(language) || isDrawnByServer(language);

/** What is offered: languages of which one gets to see a picture. */
export const OFFERED = LANGUAGES.filter(({ id }) => isDrawn(id));

/** How people call a language. */
export const nameOf = (language) => LANGUAGES.find(({ id }) => id === language)?.name ?? language;
