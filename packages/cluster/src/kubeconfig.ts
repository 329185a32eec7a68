import { writeFileSync } from 'node:fs'
import { issueCertificate, type KeyPair } from '@skiff/apiserver'
import type { Env } from '@skiff/machinery'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** A kubeconfig with one context, as kubectl reads it. Certificates are inside. */
export const kubeconfigText = (name: string, server: string, ca: string, client: KeyPair): string => `apiVersion: v1
kind: Config
clusters:
- name: ${name}
  cluster:
    server: ${server}
    certificate-authority-data: ${base64(ca)}
users:
- name: ${name}
  user:
    client-certificate-data: ${base64(client.cert)}
    client-key-data: ${base64(client.key)}
contexts:
- name: ${name}
  context:
    cluster: ${name}
    user: ${name}
current-context: ${name}
`

/** Writes the administrator's kubeconfig: a fresh client certificate in system:masters. */
export const writeAdminKubeconfig = async (path: string, name: string, server: string, clients: KeyPair, env: Env): Promise<void> => {
  const pair = await issueCertificate(
    clients,
    { subject: { commonName: 'kubernetes-admin', organizations: ['system:masters'] }, days: 365, usages: ['client'] },
    env,
  )
  writeFileSync(path, kubeconfigText(name, server, clients.cert, pair), { mode: 0o600 })
}
