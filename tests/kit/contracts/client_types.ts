// What the types of the client say: the compiler finds every mistake that is marked here.
import { Redis } from "ioredis";
import { createClient } from "redis";
import { ClientJobsClient, type EverythingPayload, type Line, type Receipt } from "./client.js";

export async function use(ioredis: Redis): Promise<Receipt[]> {
  const jobs = new ClientJobsClient(ioredis, { queue: "other" });
  new ClientJobsClient(await createClient().connect());
  const line: Line = { sku: "a", parts: [{ sku: "b" }] };
  const payload: EverythingPayload = {
    orderId: "A-1",
    amount: 12n,
    day: "2026-01-31",
    at: new Date(),
    key: "8d8ac610-566d-4ef0-9c22-186b2a5ed793",
    lines: [line],
    method: { kind: "card", digits: "1234" },
    class: "x",
    byColor: { 하늘: 1 },
  };
  await jobs.everything(payload, { delayMs: 5, atFront: true });
  await jobs.backwards({ orderId: "A-1" }, { jobId: "1-A" });
  jobs.order.insert({ orderId: "A-1" }, { dialect: "mysql", orderKey: "A" });
  // @ts-expect-error - a field of another name
  await jobs.order({ orderID: "A-1" });
  // @ts-expect-error - a field that is missing
  await jobs.order({});
  // @ts-expect-error - a field of another type
  await jobs.order({ orderId: 1 });
  // @ts-expect-error - a value that is not listed
  await jobs.everything({ ...payload, color: "blue" });
  // @ts-expect-error - only the worker can make the id, so it must be given
  await jobs.backwards({ orderId: "A-1" });
  // @ts-expect-error - no such queue
  await jobs.order({ orderId: "A-1" }, { queue: "elsewhere" });
  // @ts-expect-error - no such job
  jobs.job("client_jobs.nothing");
  return jobs.order.enqueueMany([{ orderId: "A-1", paid: undefined }], { delayMs: 1 });
}
