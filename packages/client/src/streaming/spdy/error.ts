/** A violation by the other side that ends the session. `kind` chooses the GOAWAY status. */
export class SpdyError extends Error {
  readonly kind: 'protocol' | 'internal'
  constructor(kind: 'protocol' | 'internal', message: string) {
    super(`SPDY: ${message}`)
    this.name = 'SpdyError'
    this.kind = kind
  }
}
