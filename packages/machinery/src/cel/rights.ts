/** What an account is asked about: a path, or something of a resource. */
export interface CelQuestion {
  readonly verb: string
  readonly path?: string
  readonly group: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
}

/** The rights of one account, as expressions ask for them. */
export interface CelRights {
  readonly decide: (question: CelQuestion) => { readonly allowed: boolean; readonly reason: string }
  readonly ofServiceAccount: (namespace: string, name: string) => CelRights
}

export type CelResource = Omit<CelQuestion, 'verb' | 'path'>

export interface CelAuthorizer {
  readonly is: 'authorizer'
  readonly rights: CelRights
  /** What the request itself is about. */
  readonly requestResource?: CelResourceCheck
}
export interface CelPathCheck {
  readonly is: 'pathCheck'
  readonly rights: CelRights
  readonly path: string
}
export interface CelGroupCheck {
  readonly is: 'groupCheck'
  readonly rights: CelRights
  readonly group: string
}
export interface CelResourceCheck {
  readonly is: 'resourceCheck'
  readonly rights: CelRights
  readonly resource: CelResource
}
export interface CelDecision {
  readonly is: 'decision'
  readonly allowed: boolean
  readonly reason: string
}
