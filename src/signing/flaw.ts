/**
 * What is wrong with something that somebody gave us to verify. It is no refusal: whoever verifies collects flaws and answers
 * them as findings.
 */
export class Flaw extends Error {
  /** In lower case with hyphens: what an RFC 9457 problem's type ends with. */
  readonly problem: string

  /** @param detail a sentence that may be shown to anybody */
  constructor(problem: string, detail: string) {
    super(detail)
    this.name = 'Flaw'
    this.problem = problem
  }
}
