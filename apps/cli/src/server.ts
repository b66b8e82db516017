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
    const faults = (problem.errors ?? []).map(
      ({ pointer, parameter, detail }) => `  ${pointer ?? parameter ?? ''}: ${detail}`,
    );
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
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': type }),
        ...(this.key === undefined ? {} : { authorization: `Bearer ${this.key}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isBytes ? body : JSON.stringify(body) }),
    }).catch((error: unknown) => {
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
  const { cause, message } = error as { readonly cause?: { readonly code?: string }; readonly message?: string };
  return cause?.code ?? message ?? String(error);
}
