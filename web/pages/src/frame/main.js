// Draws what the page around it sends; the sandbox leaves it nothing else to reach.
import { listen } from "./messages.js";

listen();
