// Publishing by the generated client for TypeScript: `rate COUNT single|bulk`, see bench_publish.py.
import { Redis } from "ioredis";
import { BlankClient } from "./blank-client.js";

const [, count = "0", way] = process.argv.slice(2);
const redis = new Redis(process.env["REDIS_URL"] ?? "");
const job = new BlankClient(redis).bench.job_;
const payload = { mode: "count", value: 0 };

await job(payload);
const start = performance.now();
if (way === "bulk") await job.enqueueMany(Array.from({ length: Number(count) }, () => payload));
else for (let i = 0; i < Number(count); i += 1) await job(payload);
console.log((performance.now() - start) / 1000);
redis.disconnect();
