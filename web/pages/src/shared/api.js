// The client of this server, as whoever the session says.
import { DiagramClient } from "diagramd-client";
import { baseUrl, fetchAs, token } from "./session.js";

export const client = new DiagramClient({ baseUrl, token, fetch: fetchAs });
