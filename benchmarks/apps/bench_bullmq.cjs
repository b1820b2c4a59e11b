// The comparison's jobs for BullMQ: `worker CONCURRENCY`, or a command of bench_publish.py.
const fs = require("node:fs");
const { setTimeout: sleep } = require("node:timers/promises");
const { Queue, Worker } = require("bullmq");

const BATCH = 500;
const url = new URL(process.env.REDIS_URL);
const connection = { host: url.hostname, port: Number(url.port), maxRetriesPerRequest: null };
const [command, ...rest] = process.argv.slice(2);
const now = () => (performance.timeOrigin + performance.now()) / 1000;

function serve(concurrency) {
  const file = fs.openSync(process.env.BENCH_FILE, "a");
  const run = async ({ data: { mode, value } }) => {
    if (mode === "sleep") await sleep(value * 1000);
    const trace = mode === "start" ? `${(now() - value).toFixed(9).padStart(15)}\n` : ".";
    fs.writeSync(file, trace);
  };
  const worker = new Worker("bench", run, { connection, concurrency });
  process.on("SIGTERM", () => worker.close(true).finally(() => process.exit(0)));
}

async function publish() {
  const queue = new Queue("bench", { connection });
  const one = (mode, value) => queue.add("job", { mode, value });
  const many = async (mode, value, count, opts) => {
    for (let start = 0; start < count; start += BATCH) {
      const size = Math.min(BATCH, count - start);
      await queue.addBulk(Array.from({ length: size }, () => ({ name: "job", data: { mode, value }, opts })));
    }
  };
  const count = Number(rest[0]);
  if (command === "fill") {
    await many(rest[1], Number(rest[2]), count);
  } else if (command === "trickle") {
    for (let i = 0; i < count; i += 1) {
      await one("start", now());
      await sleep(Number(rest[1]) * 1000);
    }
  } else if (command === "later") {
    const delay = Number(rest[2]);
    for (let i = 0; i < count; i += 1) {
      await queue.add("job", { mode: "start", value: now() + delay }, { delay: delay * 1000 });
      await sleep(Number(rest[1]) * 1000);
    }
  } else if (command === "park") {
    await many("count", 0, count, { delay: 3600 * 1000 });
  } else {
    await one("count", 0);
    const start = performance.now();
    if (rest[1] === "bulk") await many("count", 0, count);
    else for (let i = 0; i < count; i += 1) await one("count", 0);
    console.log((performance.now() - start) / 1000);
  }
  await queue.close();
}

if (command === "worker") serve(Number(rest[0]));
else publish();
