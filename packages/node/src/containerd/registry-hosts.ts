import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** How a registry is reached, when not by https at its own name. */
export interface RegistryHost {
  /** As in image names, with port: `127.0.0.1:5000`. */
  readonly host: string
  /** `http://127.0.0.1:5000`. */
  readonly endpoint: string
}

/** containerd's hosts.toml of one registry. */
export const hostsToml = ({ host, endpoint }: RegistryHost): string =>
  `server = ${JSON.stringify(endpoint.startsWith('http:') ? endpoint : `https://${host}`)}

[host.${JSON.stringify(endpoint)}]
  capabilities = ["pull", "resolve"]
`

/** containerd reads these at each pull, so a change needs no restart. */
export const writeRegistryHosts = async (registryDir: string, hosts: readonly RegistryHost[]): Promise<void> => {
  await mkdir(registryDir, { recursive: true })
  for (const registry of hosts) {
    const directory = join(registryDir, registry.host)
    await mkdir(directory, { recursive: true })
    await writeFile(join(directory, 'hosts.toml'), hostsToml(registry))
  }
}
