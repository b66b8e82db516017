import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';

/** Something went wrong that the person at the terminal can understand; printed without a stack. */
export class Failure extends Error {
  override readonly name = 'Failure';
  constructor(
    message: string,
    readonly exitCode = 1,
  ) {
    super(message);
  }
}

/** The members of a problem document that commands look at. */
interface Problem {
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly existing?: string;
  readonly errors?: readonly { readonly pointer?: string; readonly parameter?: string; readonly detail: string }[];
}

/** What a running server answered. */
export class Reply {
  constructor(
    readonly status: number,
    readonly body: unknown,
  ) {}

  get problem(): Problem | null {
    return this.status >= 400 ? (this.body as Problem) : null;
  }

  /** The answer as an error in words. */
  failure(): Failure {
    const { problem } = this;
    if (problem === null || typeof problem !== 'object')
      return new Failure(`the server answered with status ${this.status}`);
    // What the sentence says already is not said again.
    const faults = (problem.errors ?? [])
      .filter(({ detail }) => !problem.detail.includes(detail))
      .map(({ pointer, parameter, detail }) => `  ${pointer ?? parameter ?? ''}: ${detail}`);
    return new Failure([`${problem.title} (${problem.code}): ${problem.detail}`, ...faults].join('\n'));
  }
}

/** A running Sightline, spoken to over HTTP. */
export class Server {
  constructor(
    private readonly url: string,
    private readonly key: string | undefined,
  ) {}

  /** @throws Failure when nobody answers */
  async send(
    method: string,
    path: string,
    body?: object | Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const isBytes = body instanceof Uint8Array;
    const type = isBytes ? 'application/octet-stream' : 'application/json';
    return this.ask(
      path,
      { method, ...(body === undefined ? {} : { body: isBytes ? body : JSON.stringify(body) }) },
      { ...(body === undefined ? {} : { 'content-type': type }), ...headers },
    );
  }

  /**
   * Every item of a list, page by page.
   * @throws Failure when nobody answers, or the list is refused
   */
  async *items<T>(path: string): AsyncGenerator<T, void> {
    for (let address: string | null = path; address !== null;) {
      const reply = await this.send('GET', address);
      if (reply.status !== 200) throw reply.failure();
      const { items, next } = reply.body as { readonly items: readonly T[]; readonly next: string | null };
      yield* items;
      address = next === null ? null : `${new URL(next).pathname}${new URL(next).search}`;
    }
  }

  /**
   * Posts a file of any size, as it is read.
   * @param onSent is told how many bytes have gone
   * @throws Failure when it cannot be read, or nobody answers
   */
  async sendFile(path: string, file: string, onSent: (bytes: number) => void): Promise<Reply> {
    const handle = await open(file).catch((error: unknown) => {
      throw new Failure(`${file} cannot be read (${causeOf(error)})`);
    });
    const { size } = await handle.stat();
    async function* read(): AsyncGenerator<Uint8Array> {
      let sent = 0;
      for await (const chunk of handle.createReadStream({ autoClose: false })) {
        yield chunk as Uint8Array;
        onSent((sent += (chunk as Uint8Array).length));
      }
    }
    try {
      return await this.ask(
        path,
        { method: 'POST', body: Readable.toWeb(Readable.from(read())), duplex: 'half' },
        { 'content-type': 'application/octet-stream', 'content-length': String(size) },
      );
    } finally {
      await handle.close();
    }
  }

  private async ask(
    path: string,
    init: Pick<RequestInit, 'method' | 'body' | 'duplex'>,
    more: Record<string, string>,
  ): Promise<Reply> {
    const headers = {
      accept: 'application/json',
      ...(this.key === undefined ? {} : { authorization: `Bearer ${this.key}` }),
      ...more,
    };
    const response = await fetch(`${this.url}${path}`, { ...init, headers }).catch((error: unknown) => {
      throw new Failure(
        `no Sightline answers at ${this.url} (${causeOf(error)}); is it running? SIGHTLINE_URL says where.`,
      );
    });
    const text = await response.text();
    return new Reply(response.status, text === '' ? null : parsed(text));
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) throw new Failure('what answers there is no Sightline: its answer is no JSON');
    throw error;
  }
}

function causeOf(error: unknown): string {
  const { cause, code, message } = error as {
    readonly cause?: { readonly code?: string };
    readonly code?: string;
    readonly message?: string;
  };
  return cause?.code ?? code ?? message ?? String(error);
}
