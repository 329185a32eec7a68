/** Credentials of one registry. Either user and password, or one of the tokens, or the encoded `auth` of a docker config. */
export interface ImageAuth {
  readonly username?: string
  readonly password?: string
  /** base64 of `user:password`. */
  readonly auth?: string
  readonly serverAddress?: string
  readonly identityToken?: string
  readonly registryToken?: string
}

export interface ImageInfo {
  /** `sha256:…` of its config. */
  readonly id: string
  readonly tags: readonly string[]
  /** `name@sha256:…`, by which it was pulled; empty for imported ones on some runtimes. */
  readonly digests: readonly string[]
  readonly sizeBytes: number
  /** Numeric user of the image; absent when it is a name or not set. */
  readonly uid?: number
  /** Empty when numeric or not set. */
  readonly username: string
  /** Never removed by image garbage collection. */
  readonly pinned: boolean
}

/** Space that images take on one file system. */
export interface ImageUse {
  readonly atNs: bigint
  readonly mountpoint: string
  readonly usedBytes: number
  readonly inodesUsed: number
}
