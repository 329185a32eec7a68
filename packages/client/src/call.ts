import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import type { KubeObject } from '@skiff/machinery'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection' | 'connect'

/** Who calls: authentication's answer, or the identity a component near the server was given. */
export interface Identity {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
  /** What the server warns its bearer of, with every answer. */
  readonly warning?: string
}

/** What a call brings: an object that is already decoded (near), bytes as they came over the wire, or a stream (proxy). */
export type Body =
  | { readonly object: unknown; readonly contentType?: string }
  /** `cbor`: it may be CBOR, which is served. */
  | { readonly bytes: Uint8Array; readonly contentType: string; readonly cbor?: boolean }
  | { readonly stream: Readable; readonly contentType: string }

export type Query = Readonly<Record<string, string | readonly string[]>>

/** One decoded request. The same value whether it came over HTTP or from a component in this process. */
export interface Call {
  readonly verb: Verb
  /** The HTTP method of a connect call (exec, proxy), which decides its RBAC verb. Absent: GET. */
  readonly method?: string
  /** The method does not go with the path: whoever is asked refuses it, once the path is known to lead somewhere. */
  readonly misplaced?: boolean
  readonly group: string
  readonly version: string
  /** The plural. */
  readonly resource: string
  readonly namespace?: string
  readonly name?: string
  readonly subresource?: string
  /** What follows the subresource, for proxies: /a/b. */
  readonly path?: string
  readonly query: Query
  readonly identity: Identity
  readonly body?: Body
  /** The media types that the caller accepts, as the Accept header has them. Absent: the object itself (near). */
  readonly accept?: string
  /** CBOR is served, and may be asked for. */
  readonly cbor?: boolean
  readonly signal?: AbortSignal
  readonly userAgent?: string
  /** A connect call that came over HTTP: the request itself, and what to answer on where it is no upgrade. */
  readonly http?: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse | undefined }
}

/** One watch event. `object` is shared with the server's view in near calls: never change it. */
export interface Frame<T = KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: T
}

/** A list as the server holds it. */
export interface ListValue<T extends KubeObject = KubeObject> {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number }
  readonly items: readonly T[]
}

export interface ValueReply {
  readonly status: number
  /** The decoded answer, where one exists or was asked for. */
  readonly object?: unknown
  /** Encoded bytes, each made at most once; several parts are written one after the other. */
  readonly bytes?: Uint8Array | readonly Uint8Array[]
  readonly contentType?: string
  /** Texts of Warning headers (code 299). */
  readonly warnings?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
}
/** A watch. Frames come in batches as they become visible; the iterable ends when the server ends the watch. */
export interface WatchReply {
  readonly watch: AsyncIterable<readonly Frame[]>
  /** Of the frames' encoding, where it is not JSON. */
  readonly contentType?: string
  readonly warnings?: readonly string[]
}
/** A plain byte stream such as a log. */
export interface StreamReply {
  readonly status: number
  readonly stream: Readable
  readonly contentType: string
  readonly warnings?: readonly string[]
}
/** Takes over the connection: exec, attach, port-forward, proxied upgrades. */
export interface UpgradeReply {
  readonly upgrade: (socket: Duplex, head: Uint8Array) => void
}
/** The answer was written by the part itself on `Call.http` (proxy). */
export interface WrittenReply {
  readonly written: true
}
export type Reply = WrittenReply | ValueReply | WatchReply | StreamReply | UpgradeReply

/** A decoded call in, a reply out; a refused call throws a Refusal. */
export type Handler = (call: Call) => Promise<Reply>
