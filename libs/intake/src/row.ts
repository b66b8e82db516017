import type { AuthorityDocument, CameraRegistration, FaultCode } from '#catalog';

/** One thing that is wrong with, or was decided about, a row of an import. */
export interface RowProblem {
  /** The source field, RFC 6901 pointer into the record as it came; of a merge, into the camera document. */
  readonly pointer: string;
  readonly code: FaultCode;
  /** An error fails the row; a warning says what was done with it. */
  readonly severity: 'error' | 'warning';
  /** The offending value, cut at 60 characters; never a secret. */
  readonly value?: string;
  /** What was probably meant; never applied by itself. */
  readonly suggestion?: string;
  /** The same in words; never a secret. */
  readonly detail: string;
}

/** What an import knows besides its bytes. */
export interface IntakeContext {
  readonly authority: Pick<AuthorityDocument, 'slug' | 'area' | 'defaults'>;
  /** The clock, ms since 1970: later times by more than a day are sentinels. */
  readonly now: number;
  readonly options?: {
    /** Rows without any URL are admitted as cameras that exist and are not offered. */
    readonly lifecycle?: 'suspended';
    /** Field that holds the agency's id where the format has no place for one. */
    readonly keyFrom?: string;
    /** Field whose words ("(向西)", "Looking West") or plain number tell where the camera looks. */
    readonly headingFrom?: string;
  };
  /**
   * Why the address that stands in a service's URL may not be dialled, or null (security.md SSRF-6): the caller knows
   * the network policy. Absent: nothing is refused here.
   */
  readonly judgeTarget?: (url: string) => string | null;
}

export interface IntakeRow {
  /** Number of the record, 1-based. */
  readonly row: number;
  /** Where the record begins in the text, 1-based. */
  readonly line: number;
  readonly column: number;
  /** The agency's own id, where the row has one. */
  readonly localId: string | null;
  /**
   * What the row states: complete enough to be created. Members that it does not carry stay as they are on a camera that
   * exists ({@link mergeStated}); no service means that the row carries none. Null where the row failed.
   */
  readonly stated: CameraRegistration | null;
  readonly problems: readonly RowProblem[];
  /** Number of an earlier row with the same id and an equal document: this one is skipped. */
  readonly duplicateOf?: number;
}

/** The rows of a file, or why no row of it was read: a page, no text, no JSON, another form. */
export type IntakeResult = { readonly rows: readonly IntakeRow[] } | { readonly refused: RowProblem };

/** Problems reported of one row; who has more mends these first. */
const MAX_PROBLEMS = 30;

type Extra = Pick<RowProblem, 'value' | 'suggestion'>;

/** A camera while its row is read: what it states so far, from which source fields, and what was found. */
export class Draft {
  readonly problems: RowProblem[] = [];
  /** Members as the row states them, not yet checked. */
  stated: Partial<CameraRegistration> = {};
  /** The row is a camera document of ours: nothing in it is guessed, inferred or made nicer. */
  isOwnForm = false;
  private hasError = false;
  private readonly origins: (readonly [member: string, source: string])[] = [];

  constructor(
    readonly row: number,
    readonly line: number,
    readonly column: number,
  ) {}

  /** Whether an error was found. */
  get failed(): boolean {
    return this.hasError;
  }

  error(pointer: string, code: FaultCode, detail: string, extra: Extra = {}): void {
    this.hasError = true;
    this.add({ pointer, code, severity: 'error', ...extra, detail });
  }

  warn(pointer: string, code: FaultCode, detail: string, extra: Extra = {}): void {
    this.add({ pointer, code, severity: 'warning', ...extra, detail });
  }

  /** Adds what a pure step found about the field at `pointer`. */
  note(pointer: string, findings: readonly Omit<RowProblem, 'pointer'>[]): void {
    for (const finding of findings) {
      if (finding.severity === 'error') this.hasError = true;
      this.add({ pointer, ...finding });
    }
  }

  /** Notes from which source field a member comes, so that its faults name that field. */
  from(member: string, source: string): void {
    this.origins.push([member, source]);
  }

  /** The source field of a pointer into the camera document. */
  sourceOf(pointer: string): string {
    const best = this.origins
      .filter(([member]) => pointer === member || pointer.startsWith(`${member}/`) || member === '')
      .sort(([a], [b]) => b.length - a.length)[0];
    if (best === undefined) return pointer;
    const [member, source] = best;
    // A document of ours keeps its inner structure; a field of the agency's is a whole.
    return this.isOwnForm ? source + pointer.slice(member.length) : source;
  }

  private add(problem: RowProblem): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem);
  }
}
