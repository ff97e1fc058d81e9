// The client of this server, as whoever the session says.
import { DiagramClient } from "diagramd-client";
import { baseUrl, fetchAs, token } from "./session.js";

export const client = new DiagramClient({ baseUrl, token, fetch: fetchAs });

/** The bytes of an answer that is no JSON. */
export async function bytesOf(method, path, options = {}) {
  const answer = await client.open(method, path, options);
  try {
    return await answer.response.blob();
  } finally {
    answer.release();
  }
}
