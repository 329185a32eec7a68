/** What `skiff up` was asked for; what is absent is chosen, or stays as it was. */
export interface UpOptions {
  readonly name: string
  readonly nodes?: number
  readonly data?: string
  readonly apiPort?: number
  readonly runtime?: string
  readonly controlPlaneOnly?: boolean
  /** As upstream's --controllers, divided by commas. */
  readonly controllers?: string
}
