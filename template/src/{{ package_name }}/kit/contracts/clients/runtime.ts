import { createHash, randomUUID } from "node:crypto";

/** What publishing answers. */
export interface Receipt {
  /** The job's id. */
  readonly jobId: string;
  /** False when a job with this id is waiting or running already. */
  readonly queued: boolean;
}

/** Where and when jobs may run. */
export interface When {
  /** The queue, where the worker serves several. */
  queue?: QueueName | undefined;
  /** Milliseconds before that. */
  delayMs?: number | undefined;
  /** Before the jobs that wait already. */
  atFront?: boolean | undefined;
  /** Jobs that must have succeeded first: receipts or ids. */
  after?: readonly (Receipt | string)[] | undefined;
}

export interface PublishOptions extends When {
  /** The job's id: letters, digits, `_` and `-`. By default the contract says how it is made. */
  jobId?: string | undefined;
}

export interface ManyOptions<P> extends When {
  /** Makes the id of each job. By default the contract says how it is made. */
  jobId?: ((payload: P) => string) | undefined;
}

export interface InsertOptions extends Omit<PublishOptions, "after"> {
  /** The database of your own tables: it decides how places for values are written. */
  dialect: "postgresql" | "mysql" | "mariadb" | "sqlite";
  /** Rows with the same key are published in the order in which they were written. */
  orderKey?: string | undefined;
}

/** A statement for your own transaction: the job is published once that has committed. */
export interface Insert {
  readonly sql: string;
  readonly parameters: (string | number | boolean | null)[];
}

interface Outbox<P> {
  /** The job's type, as the contract names it. */
  readonly type: string;
  /** Write the job into the outbox of your own database instead (the worker's module `outbox`). */
  insert(payload: P, options: InsertOptions): Insert;
}

/** One kind of job. */
export interface Job<P> extends Outbox<P> {
  /** Publish one job, in one round trip. */
  (payload: P, options?: PublishOptions): Promise<Receipt>;
  /** Publish many jobs, 500 a round trip. */
  enqueueMany(payloads: Iterable<P>, options?: ManyOptions<P>): Promise<Receipt[]>;
}

/** One kind of job whose id only the worker's own code can compute: say which id it has. */
export interface JobWithId<P> extends Outbox<P> {
  /** Publish one job, in one round trip. */
  (payload: P, options: PublishOptions & { jobId: string }): Promise<Receipt>;
  /** Publish many jobs, 500 a round trip. */
  enqueueMany(
    payloads: Iterable<P>,
    options: ManyOptions<P> & { jobId: (payload: P) => string },
  ): Promise<Receipt[]>;
}

/** The part of an `ioredis` client that is used. */
export interface IoRedis {
  call(command: string, ...parameters: string[]): Promise<unknown>;
}

/** The part of a client of the package `redis` (node-redis) that is used. */
export interface NodeRedis {
  sendCommand(command: string[]): Promise<unknown>;
}

export interface ClientOptions {
  /** The queue, where the worker's `WORKER_QUEUE` is not the contract's. */
  queue?: string | undefined;
  /**
   * Writes the current trace into the job, for instance
   * `(carrier) => propagation.inject(context.active(), carrier)` of `@opentelemetry/api`.
   */
  propagate?: ((carrier: Record<string, string>) => void) | undefined;
}

/** A payload or an option does not fit the contract. Its text holds no value. */
export class PayloadError extends Error {
  /** Where: `items[0].amount`; empty for the payload as a whole. */
  readonly path: string;

  constructor(path: string, reason: string) {
    super(path ? `${path}: ${reason}` : reason);
    this.name = "PayloadError";
    this.path = path;
  }
}

// --- What payloads look like ---------------------------------------------------------------------

interface Range {
  readonly min?: number | bigint;
  readonly max?: number | bigint;
  readonly above?: number | bigint;
  readonly below?: number | bigint;
  readonly multipleOf?: number | bigint;
}

interface Size {
  readonly min?: number;
  readonly max?: number;
}

interface Field {
  readonly name: string;
  readonly shape: Shape;
  readonly required?: boolean;
  readonly default?: unknown;
}

interface ObjectShape {
  readonly kind: "object";
  readonly fields: readonly Field[];
  readonly extra?: Shape | "forbid";
}

type Shape =
  | { readonly kind: "any" | "boolean" | "null" }
  | ({
      readonly kind: "string";
      readonly pattern?: RegExp;
      readonly source?: string;
      readonly format?: string;
    } & Size)
  | ({ readonly kind: "integer" | "number" } & Range)
  | { readonly kind: "values"; readonly values: readonly unknown[] }
  | ({ readonly kind: "array"; readonly items: Shape; readonly unique?: boolean } & Size)
  | { readonly kind: "tuple"; readonly items: readonly Shape[] }
  | ({ readonly kind: "map"; readonly values: Shape; readonly keys?: Shape } & Size)
  | {
      readonly kind: "union";
      readonly of: readonly Shape[];
      readonly by?: string;
      readonly cases?: Readonly<Record<string, string>>;
    }
  | { readonly kind: "ref"; readonly name: string }
  | ObjectShape;

interface JobContract {
  readonly function: string;
  readonly payload: string;
  readonly version: number;
  readonly timeout: number;
  readonly resultTtl: number;
  /** Texts, each with the field behind it; null for random ids, false when only the worker knows. */
  readonly jobId: readonly (readonly [string, string | null])[] | null | false;
}

/** Checks a value and returns it as the JSON that the worker itself would write. */
function encode(shape: Shape, value: unknown, path: string): string {
  switch (shape.kind) {
    case "string":
      return encodeString(shape, value, path);
    case "integer":
      return encodeInteger(shape, value, path);
    case "number":
      return encodeNumber(shape, value, path);
    case "boolean":
      return typeof value === "boolean" ? String(value) : refuse(path, "must be true or false");
    case "null":
      return value === null ? "null" : refuse(path, "must be null");
    case "values":
      return encodeListed(shape.values, value, path);
    case "array":
      return encodeArray(shape, value, path);
    case "tuple":
      return encodeTuple(shape.items, value, path);
    case "map":
      return encodeMap(shape, value, path);
    case "union":
      return encodeUnion(shape, value, path);
    case "ref":
      return encode(definition(shape.name), value, path);
    case "object":
      return objectText(encodeObject(shape, value, path));
    case "any":
      return encodeAny(value, path);
  }
}

function encodeString(
  shape: Extract<Shape, { kind: "string" }>,
  value: unknown,
  path: string,
): string {
  if (value instanceof Date && shape.format === "date-time") {
    return JSON.stringify(instant(value, path));
  }
  if (typeof value !== "string") return refuse(path, "must be a text");
  if (/\p{Surrogate}/u.test(value)) refuse(path, "holds half a character");
  checkSize(shape, value.length > 0 ? [...value].length : 0, path, "characters");
  if (shape.pattern && !shape.pattern.test(value)) {
    refuse(path, `must match ${shape.source}`);
  }
  return JSON.stringify(formatted(shape.format, value, path));
}

function formatted(format: string | undefined, text: string, path: string): string {
  if (format === "uuid") {
    const found = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
    return found ? text.toLowerCase() : refuse(path, "must be a UUID");
  }
  if (format === "date") {
    return isDay(text) ? text : refuse(path, "must be a day such as 2026-01-31");
  }
  return format === "date-time" ? timeOf(text, path) : text;
}

function isDay(text: string): boolean {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!parts || parts[1] === "0000") return false;
  const [, year, month, day] = parts.map(Number);
  const found = new Date(0);
  found.setUTCFullYear(year ?? 0, (month ?? 0) - 1, day);
  return found.getUTCMonth() === (month ?? 0) - 1 && found.getUTCDate() === day;
}

/** One text for one time, as the worker writes it: six digits of a fraction or none, `Z` for UTC. */
function timeOf(text: string, path: string): string {
  const parts =
    /^(\d{4}-\d{2}-\d{2})[Tt ](([01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d{1,6})\d*)?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)?$/.exec(
      text,
    );
  if (!parts || !isDay(parts[1] ?? "")) {
    return refuse(path, "must be a time such as 2026-01-31T09:00:00+09:00");
  }
  const digits = (parts[4] ?? "").padEnd(6, "0");
  const fraction = /[1-9]/.test(digits) ? `.${digits}` : "";
  const zone = (parts[5] ?? "").toUpperCase().replace(/^[+-]00:00$/, "Z");
  return `${parts[1]}T${parts[2]}${fraction}${zone}`;
}

function instant(value: Date, path: string): string {
  if (Number.isNaN(value.getTime())) return refuse(path, "is no time");
  return timeOf(value.toISOString(), path);
}

function encodeInteger(range: Range, value: unknown, path: string): string {
  if (typeof value === "number" && Number.isInteger(value)) {
    if (!Number.isSafeInteger(value)) {
      refuse(path, "is too large for a number to hold exactly: give a bigint");
    }
  } else if (typeof value !== "bigint") {
    return refuse(path, "must be a whole number");
  }
  checkRange(range, value as number | bigint, path);
  return (value as number | bigint).toString();
}

function encodeNumber(range: Range, value: unknown, path: string): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return refuse(path, "must be a number");
  checkRange(range, value, path);
  return float(value);
}

/** A number with a point, or with an exponent where it is long: as the worker writes it. */
function float(value: number): string {
  if (Object.is(value, -0)) return "-0.0";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-5 || size >= 1e16)) return value.toExponential();
  const text = value.toString();
  return text.includes(".") ? text : `${text}.0`;
}

function checkRange(range: Range, value: number | bigint, path: string): void {
  const { min, max, above, below, multipleOf } = range;
  if (min !== undefined && value < min) refuse(path, `must be at least ${min}`);
  if (max !== undefined && value > max) refuse(path, `must be at most ${max}`);
  if (above !== undefined && value <= above) refuse(path, `must be more than ${above}`);
  if (below !== undefined && value >= below) refuse(path, `must be less than ${below}`);
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) {
    refuse(path, `must be a multiple of ${multipleOf}`);
  }
}

function isMultiple(value: number | bigint, of: number | bigint): boolean {
  if (typeof value === "bigint" && Number.isInteger(Number(of))) {
    return value % BigInt(of) === 0n;
  }
  const [size, step] = [Math.abs(Number(value)), Number(of)];
  const rest = size % step;
  const slack = size / 1e9; // what decimal fractions lose, as in the worker
  return rest <= slack || step - rest <= slack;
}

function checkSize(size: Size, count: number, path: string, what: string): void {
  if (size.min !== undefined && count < size.min) {
    refuse(path, `must have at least ${size.min} ${what}`);
  }
  if (size.max !== undefined && count > size.max) {
    refuse(path, `must have at most ${size.max} ${what}`);
  }
}

function encodeListed(values: readonly unknown[], value: unknown, path: string): string {
  if (!values.includes(typeof value === "bigint" ? (safeNumber(value) ?? value) : value)) {
    const listed = values.map((each) => encodeAny(each, path)).join(", ");
    return refuse(path, `must be one of ${listed}`);
  }
  return encodeAny(value, path);
}

function safeNumber(value: bigint): number | undefined {
  return Number.isSafeInteger(Number(value)) ? Number(value) : undefined;
}

function encodeArray(
  shape: Extract<Shape, { kind: "array" }>,
  value: unknown,
  path: string,
): string {
  const given = value instanceof Set ? [...value] : value;
  if (!Array.isArray(given)) return refuse(path, "must be an array");
  checkSize(shape, given.length, path, "items");
  // Array.from: a gap in an array is an item, too.
  const texts = Array.from(given, (each: unknown, place) =>
    encode(shape.items, each, `${path}[${place}]`),
  );
  if (shape.unique && new Set(texts).size < texts.length) refuse(path, "holds an item twice");
  return `[${texts.join(",")}]`;
}

function encodeTuple(items: readonly Shape[], value: unknown, path: string): string {
  if (!Array.isArray(value) || value.length !== items.length) {
    return refuse(path, `must be an array of ${items.length} items`);
  }
  const given: readonly unknown[] = value;
  return `[${items.map((each, place) => encode(each, given[place], `${path}[${place}]`)).join(",")}]`;
}

function encodeMap(shape: Extract<Shape, { kind: "map" }>, value: unknown, path: string): string {
  const given = asObject(value, path);
  const names = Object.keys(given).filter((name) => given[name] !== undefined);
  checkSize(shape, names.length, path, "entries");
  const pairs = names.map((name): [string, string] => {
    const place = inside(path, name);
    encode(shape.keys ?? { kind: "string" }, name, place);
    return [name, encode(shape.values, given[name], place)];
  });
  return objectText(pairs);
}

function encodeUnion(
  shape: Extract<Shape, { kind: "union" }>,
  value: unknown,
  path: string,
): string {
  if (shape.by !== undefined && shape.cases && value !== null) {
    const place = inside(path, shape.by);
    const name = shape.cases[String(read(asObject(value, path), shape.by))];
    if (name === undefined) {
      return refuse(place, `must be one of ${Object.keys(shape.cases).join(", ")}`);
    }
    return encode(definition(name), value, path);
  }
  let failure: unknown;
  for (const each of shape.of) {
    try {
      return encode(each, value, path);
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      if (each.kind !== "null") failure ??= error;
    }
  }
  const real = shape.of.filter((each) => each.kind !== "null");
  if (real.length === 1) throw failure;
  return refuse(path, "fits nothing that is accepted here");
}

function encodeObject(shape: ObjectShape, value: unknown, path: string): [string, string][] {
  const given = asObject(value, path);
  const pairs: [string, string][] = [];
  for (const field of shape.fields) {
    const found = read(given, field.name);
    const place = inside(path, field.name);
    if (found !== undefined) pairs.push([field.name, encode(field.shape, found, place)]);
    else if (field.required) refuse(place, "is missing");
    else if (field.default !== undefined) {
      pairs.push([field.name, encode(field.shape, field.default, place)]);
    }
  }
  if (shape.extra === undefined) return pairs; // the worker ignores what it does not know
  const known = new Set(shape.fields.map((field) => field.name));
  for (const name of Object.keys(given)) {
    if (known.has(name) || given[name] === undefined) continue;
    if (shape.extra === "forbid") refuse(inside(path, name), "is not in the contract");
    else pairs.push([name, encode(shape.extra, given[name], inside(path, name))]);
  }
  return pairs;
}

/** Any JSON value; a number without a fraction is written as a whole one. */
function encodeAny(value: unknown, path: string): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return encodeString({ kind: "string" }, value, path);
  if (typeof value === "bigint" || Number.isInteger(value)) return encodeInteger({}, value, path);
  if (typeof value === "number") return encodeNumber({}, value, path);
  if (value instanceof Date) return JSON.stringify(instant(value, path));
  if (Array.isArray(value)) return encodeArray({ kind: "array", items: ANY }, value, path);
  if (typeof value === "object") return encodeMap({ kind: "map", values: ANY }, value, path);
  return refuse(path, "is no JSON value");
}

const ANY: Shape = { kind: "any" };

function asObject(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse(path, "must be an object");
  }
  return value as Record<string, unknown>;
}

/** A field, and nothing that every object has. */
function read(value: Record<string, unknown>, name: string): unknown {
  return name in Object.prototype && !Object.hasOwn(value, name) ? undefined : value[name];
}

function objectText(pairs: readonly (readonly [string, string])[]): string {
  return `{${pairs.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`;
}

function inside(path: string, name: string): string {
  return path ? `${path}.${name}` : name;
}

function refuse(path: string, reason: string): never {
  throw new PayloadError(path, reason);
}

function definition(name: string): Shape {
  const found = SHAPES[name];
  if (found === undefined) throw new Error(`the client has no type ${name}`);
  return found;
}

// --- Publishing ----------------------------------------------------------------------------------

const JOBS_A_TRIP = 500;
const BYTES_A_TRIP = 1_000_000;
const VERSION = "payloadVersion";
const OUTBOX = [
  "queue",
  "job_type",
  "payload",
  "job_id",
  "delay_ms",
  "at_front",
  "order_key",
  "traceparent",
] as const;

/** A job that has been checked. */
interface Ready {
  readonly id: string;
  readonly data: string;
  /** Nobody else can have this id: an answer that it is taken follows a lost reply. */
  readonly random: boolean;
}

class Publisher {
  readonly #redis: IoRedis | NodeRedis;
  readonly #options: ClientOptions;
  readonly #queue: string;

  constructor(redis: IoRedis | NodeRedis, options: ClientOptions) {
    this.#redis = redis;
    this.#options = options;
    this.#queue = options.queue ?? QUEUE;
  }

  job<P>(type: string): Job<P> & JobWithId<P> {
    const job = Object.hasOwn(JOBS, type) ? JOBS[type] : undefined;
    if (job === undefined) {
      const known = Object.keys(JOBS).join(", ");
      return refuse("", `the contract has no job ${type}; it has: ${known}`);
    }
    const one = async (payload: P, options: PublishOptions = {}): Promise<Receipt> => {
      const [receipt] = await this.#publish(job, type, [ready(job, payload, options.jobId)], options);
      return receipt as Receipt;
    };
    const enqueueMany = async (
      payloads: Iterable<P>,
      options: ManyOptions<P> = {},
    ): Promise<Receipt[]> => {
      const jobs = Array.from(payloads, (each, place) =>
        ready(job, each, options.jobId?.(each), `[${place}]`),
      );
      return this.#publish(job, type, jobs, options);
    };
    const insert = (payload: P, options: InsertOptions): Insert =>
      this.#insert(job, type, payload, options);
    return Object.assign(one, { type, enqueueMany, insert });
  }

  async #publish(
    job: JobContract,
    type: string,
    jobs: readonly Ready[],
    options: When,
  ): Promise<Receipt[]> {
    const head = this.#head(job, type, options);
    const parts = inParts(jobs);
    // The last part of those that go to the front is sent first.
    const order = options.atFront ? [...parts].reverse() : parts;
    const receipts: Receipt[][] = [];
    for (const part of order) {
      const codes = (await this.#run([head, ...part.flatMap(({ id, data }) => [id, data])])) as unknown[];
      receipts.push(
        part.map(({ id, random }, place) => ({
          jobId: id,
          queued: random || Number(codes[place]) === 1,
        })),
      );
    }
    return (options.atFront ? receipts.reverse() : receipts).flat();
  }

  /** What the jobs of a call have in common. */
  #head(job: JobContract, type: string, options: When): string {
    const delayMs = delayOf(options.delayMs);
    const ids = (options.after ?? []).map((each) => (typeof each === "string" ? each : each.jobId));
    const after = [...new Set(ids)].map((each) => checkedId(each, "after"));
    if (after.length > 0 && delayMs > 0) {
      refuse("after", "a job can wait for others or for a time, not for both");
    }
    const carrier = this.#carrier();
    const queue = this.#queueOf(options);
    const fields = {
      origin: queue,
      description: type,
      timeout: String(job.timeout),
      result_ttl: String(job.resultTtl),
      ...(Object.keys(carrier).length > 0 && { meta: JSON.stringify(carrier) }),
    };
    return JSON.stringify({
      prefix: PREFIX,
      queue,
      fields,
      ...(delayMs > 0 && { delay: delayMs / 1000 }),
      ...(options.atFront && { atFront: true }),
      ...(after.length > 0 && { after }),
    });
  }

  #insert(job: JobContract, type: string, payload: unknown, options: InsertOptions): Insert {
    const { pairs, text } = checked(job, payload, "");
    const jobId = options.jobId === undefined ? idOf(job, pairs) : checkedId(options.jobId);
    const places = OUTBOX.map((_, place) =>
      options.dialect === "postgresql" ? `$${place + 1}` : "?",
    );
    return {
      sql: `INSERT INTO worker_outbox (${OUTBOX.join(", ")}) VALUES (${places.join(", ")})`,
      parameters: [
        this.#queueOf(options),
        type,
        text,
        jobId,
        delayOf(options.delayMs),
        options.atFront ?? false,
        options.orderKey ?? null,
        this.#carrier()["traceparent"] ?? null,
      ],
    };
  }

  #queueOf({ queue }: When): string {
    if (queue === undefined) return this.#queue;
    return QUEUES.includes(queue) ? queue : refuse("queue", `must be one of ${QUEUES.join(", ")}`);
  }

  #carrier(): Record<string, string> {
    const carrier: Record<string, string> = {};
    this.#options.propagate?.(carrier);
    return carrier;
  }

  /** Runs the script; sends its text where Redis does not have it. */
  async #run(parameters: readonly string[]): Promise<unknown> {
    try {
      return await this.#call("EVALSHA", SCRIPT_SHA, "0", ...parameters);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
      return this.#call("EVAL", SCRIPT, "0", ...parameters);
    }
  }

  #call(command: string, ...parameters: string[]): Promise<unknown> {
    const redis = this.#redis;
    // ioredis has a `sendCommand`, too, which takes something else.
    if ("call" in redis) return redis.call(command, ...parameters);
    return redis.sendCommand([command, ...parameters]);
  }
}

function inParts(jobs: readonly Ready[]): Ready[][] {
  const parts: Ready[][] = [];
  let size = Infinity;
  for (const job of jobs) {
    const bytes = Buffer.byteLength(job.data);
    let part = parts.at(-1);
    if (part === undefined || part.length === JOBS_A_TRIP || size + bytes > BYTES_A_TRIP) {
      part = [];
      parts.push(part);
      size = 0;
    }
    part.push(job);
    size += bytes;
  }
  return parts;
}

function delayOf(delayMs: number | undefined): number {
  if (delayMs === undefined) return 0;
  if (!Number.isFinite(delayMs) || delayMs < 0) refuse("delayMs", "must be a number from 0");
  return Math.round(delayMs);
}

function ready(job: JobContract, payload: unknown, jobId: string | undefined, path = ""): Ready {
  const { pairs, text } = checked(job, payload, path);
  const made = jobId === undefined ? idOf(job, pairs) : checkedId(jobId);
  if (made === null && job.jobId === false) refuse("jobId", "is missing: only the worker can make it");
  return {
    id: made ?? randomUUID().replaceAll("-", ""),
    data: `[${JSON.stringify(job.function)},null,[${text}],{}]`,
    random: made === null,
  };
}

/** The payload's fields as JSON, each and together. */
function checked(
  job: JobContract,
  payload: unknown,
  path: string,
): { pairs: [string, string][]; text: string } {
  const given = asObject(payload, path);
  const version = read(given, VERSION);
  if (version !== undefined && version !== job.version) {
    refuse(inside(path, VERSION), `this client's contract knows version ${job.version} alone`);
  }
  const { [VERSION]: _, ...rest } = given;
  const shape = definition(job.payload) as ObjectShape;
  const pairs = encodeObject(shape, version === undefined ? given : rest, path);
  const versioned: [string, string][] = [[VERSION, String(job.version)]];
  return { pairs, text: objectText(job.version > 1 ? [...pairs, ...versioned] : pairs) };
}

/** The id that the contract asks for; null where it asks for none. */
function idOf(job: JobContract, pairs: readonly [string, string][]): string | null {
  if (!job.jobId) return null;
  const fields = new Map(pairs);
  const texts = job.jobId.map(([text, field]) => {
    if (field === null) return text;
    const value = fields.get(field) ?? refuse(field, "is missing, and the job's id is made of it");
    return text + (value.startsWith('"') ? (JSON.parse(value) as string) : value);
  });
  return safeId(texts.join(""));
}

function checkedId(jobId: string, option = "jobId"): string {
  return /^[A-Za-z0-9_-]+$/.test(jobId)
    ? jobId
    : refuse(option, "must be of letters, digits, _ and - only");
}

/** The id that RQ accepts: the contract's reference page has the rule. */
function safeId(text: string): string {
  if (/^[A-Za-z0-9_-]{1,200}$/.test(text)) return text;
  const cleaned = [...text].slice(0, 183).join("").replace(/[^A-Za-z0-9_-]/gu, "-");
  return `${cleaned}-${createHash("sha256").update(text, "utf8").digest("hex").slice(0, 16)}`;
}
