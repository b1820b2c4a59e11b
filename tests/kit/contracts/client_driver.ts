// Publishes the cases of a file by the client; prints what becomes of each as JSON.
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { ClientJobsClient, PayloadError, type ManyOptions, type PublishOptions } from "./client.js";

const [file = "", direct = "", node = ""] = process.argv.slice(2);

/** JSON, with `{"$bigint": "1"}` and `{"$date": "2026-..."}` for what JSON cannot say. */
function revive(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("$bigint" in value) return BigInt(String(value.$bigint));
  return "$date" in value ? new Date(String(value.$date)) : value;
}

interface Case {
  readonly job: "client_jobs.everything" | "client_jobs.order" | "client_jobs.backwards";
  readonly payload: never;
  readonly many?: boolean;
  readonly options: PublishOptions & { jobId: string };
}

const cases = JSON.parse(readFileSync(file, "utf8"), revive) as Case[];
const propagate = (carrier: Record<string, string>): void => {
  carrier["traceparent"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
};
const results: unknown[] = [];
const nodeRedis = await createClient({ url: node }).connect();
const ioredis = new Redis(direct);
for (const redis of [ioredis, nodeRedis]) {
  const client = new ClientJobsClient(redis, { propagate });
  for (const { job, payload, many, options } of cases) {
    try {
      const { jobId, ...rest } = options;
      const all: ManyOptions<never> & { jobId: () => string } = { ...rest, jobId: () => jobId };
      if (many) results.push(await client.job(job).enqueueMany(payload, jobId ? all : (rest as typeof all)));
      else results.push(await client.job(job)(payload, options));
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      results.push({ path: error.path, message: error.message });
    }
  }
}
ioredis.disconnect();
await nodeRedis.close();
process.stdout.write(JSON.stringify(results));
