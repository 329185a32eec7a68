import type { PodSpec } from '@skiff/api'
import { describe, expect, test } from 'vitest'
import type { PodLike } from './check.ts'
import { isSignificant } from './significant.ts'
import { detailText, type Level, policyOf, standardText, violationsOf } from './standard.ts'

const strict = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
}
const pod = (spec: object, ...containers: readonly object[]): PodLike => ({
  spec: {
    containers: (containers.length > 0 ? containers : [{}]).map((each, index) => ({ name: 'abc'[index], image: 'i', ...each })),
    ...spec,
  } as unknown as PodSpec,
})
const text = (level: Level, of: PodLike, minor?: number) => detailText(violationsOf({ level, minor }, of))
const secured = (...contexts: readonly object[]) =>
  pod({}, ...contexts.map((securityContext) => ({ securityContext: { ...strict, ...securityContext } })))

describe('the baseline', () => {
  test.each<[string, PodLike, string]>([
    ['a plain pod', pod({}), ''],
    ['a strict pod', secured({}), ''],
    ['privileged', secured({ privileged: true }), 'privileged (container "a" must not set securityContext.privileged=true)'],
    [
      'privileged containers of all sorts',
      pod({
        initContainers: [{ name: 'i', securityContext: { privileged: true } }],
        ephemeralContainers: [{ name: 'e', securityContext: { privileged: true } }],
      }),
      'privileged (containers "i", "e" must not set securityContext.privileged=true)',
    ],
    [
      'host namespaces',
      pod({ hostIPC: true, hostPID: true, hostNetwork: true }),
      'host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)',
    ],
    [
      'host paths',
      pod({
        volumes: [
          { name: 'x', hostPath: { path: '/' } },
          { name: 'y', emptyDir: {} },
        ],
      }),
      'hostPath volumes (volume "x")',
    ],
    [
      'host ports',
      pod({}, { ports: [{ hostPort: 80 }, { hostPort: 443 }, { containerPort: 1 }] }, { ports: [{ hostPort: 80 }] }),
      'hostPort (containers "a", "b" use hostPorts 443, 80)',
    ],
    ['one host port', pod({}, { ports: [{ hostPort: 80 }] }), 'hostPort (container "a" uses hostPort 80)'],
    [
      'capabilities',
      secured({ capabilities: { add: ['NET_ADMIN', 'CHOWN', 'BPF'] } }),
      'non-default capabilities (container "a" must not include "BPF", "NET_ADMIN" in securityContext.capabilities.add)',
    ],
    ['proc', secured({ procMount: 'Unmasked' }), 'procMount (container "a" must not set securityContext.procMount to "Unmasked")'],
    ['sysctls', pod({ securityContext: { sysctls: [{ name: 'kernel.msgmax' }] } }), 'forbidden sysctls (kernel.msgmax)'],
    [
      'SELinux',
      pod({ securityContext: { seLinuxOptions: { type: 'spc_t', user: 'u' } } }, { securityContext: { seLinuxOptions: { role: 'r' } } }),
      'seLinuxOptions (pod and container "a" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set; role may not be set)',
    ],
    [
      'seccomp',
      pod({ securityContext: { seccompProfile: { type: 'Unconfined' } } }),
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      'AppArmor by field',
      pod({ securityContext: { appArmorProfile: { type: 'Unconfined' } } }),
      'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
    ],
    [
      'AppArmor by annotation',
      { ...pod({}), metadata: { annotations: { 'container.apparmor.security.beta.kubernetes.io/a': 'unconfined' } } },
      'forbidden AppArmor profile (annotation must not set AppArmor profile type to "container.apparmor.security.beta.kubernetes.io/a=\\"unconfined\\"")',
    ],
    [
      'Windows',
      pod({ securityContext: { windowsOptions: { hostProcess: true } } }),
      'hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)',
    ],
  ])('%s', (_, of, expected) => {
    expect(text('baseline', of)).toBe(expected)
    expect(text('privileged', of)).toBe('')
  })
})

describe('the restricted level', () => {
  const bare =
    'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), ' +
    'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), ' +
    'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), ' +
    'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
  test.each<[string, PodLike, string]>([
    ['a plain pod', pod({}), bare],
    ['a strict pod', secured({}), ''],
    [
      'privileged comes before',
      pod({}, { securityContext: { privileged: true } }),
      `privileged (container "a" must not set securityContext.privileged=true), ${bare}`,
    ],
    [
      'what the pod sets counts for containers that are silent',
      pod(
        { securityContext: { runAsNonRoot: true, seccompProfile: { type: 'Localhost' } } },
        { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
      ),
      '',
    ],
    ['root', secured({ runAsUser: 0 }), 'runAsUser=0 (container "a" must not set runAsUser=0)'],
    [
      'denied',
      { spec: { ...secured({ runAsNonRoot: false }).spec, securityContext: { runAsNonRoot: false } } },
      'runAsNonRoot != true (pod and container "a" must not set securityContext.runAsNonRoot=false)',
    ],
    [
      'capabilities added',
      secured({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE', 'CHOWN'] } }, { capabilities: {} }),
      'unrestricted capabilities (container "b" must set securityContext.capabilities.drop=["ALL"]; container "a" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
    [
      'volumes',
      {
        spec: {
          ...secured({}).spec,
          volumes: [
            { name: 'x', hostPath: { path: '/' } },
            { name: 'y', nfs: { server: 's', path: '/' } },
            { name: 'z', secret: {} },
          ],
        },
      } as PodLike,
      'restricted volume types (volumes "x", "y" use restricted volume types "hostPath", "nfs")',
    ],
    ['Windows needs no profiles', pod({ os: { name: 'windows' }, securityContext: { runAsNonRoot: true } }), ''],
  ])('%s', (_, of, expected) => {
    expect(text('restricted', of)).toBe(expected)
  })
})

test('older versions ask for less, or otherwise; a version to come is the newest', () => {
  expect(text('restricted', pod({}), 7)).toBe('runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)')
  expect(text('restricted', secured({ runAsUser: 0 }), 22)).toBe('')
  expect(text('restricted', pod({ os: { name: 'windows' } }), 24)).toContain('allowPrivilegeEscalation')
  const sysctl = pod({ securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] } })
  expect([31, 32, 99].map((minor) => text('baseline', sysctl, minor))).toEqual(['forbidden sysctls (net.ipv4.tcp_rmem)', '', ''])
  const engine = pod({ securityContext: { seLinuxOptions: { type: 'container_engine_t' } } })
  expect([30, 31].map((minor) => text('baseline', engine, minor) === '')).toEqual([false, true])
  const annotated = { ...pod({}), metadata: { annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' } } }
  expect(text('baseline', annotated, 18)).toBe(
    'seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="unconfined")',
  )
  expect(text('baseline', annotated, 19)).toBe('')
})

test('labels make a policy', () => {
  const policy = (labels: Readonly<Record<string, string>>) => {
    const named = Object.entries(labels).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value])
    const { policy: made, errors } = policyOf(Object.fromEntries(named))
    const { enforce, audit, warn } = made
    return [...[enforce, audit, warn].map(standardText), ...errors.map(({ field, body }) => `${field}: ${body}`)]
  }
  const open = 'privileged:latest'
  expect(policy({})).toEqual([open, open, open])
  expect(policy({ enforce: 'baseline', 'enforce-version': 'v1.20' })).toEqual(['baseline:v1.20', open, 'baseline:v1.20'])
  expect(policy({ enforce: 'restricted', warn: 'baseline' })).toEqual(['restricted:latest', open, 'baseline:latest'])
  expect(policy({ enforce: 'x', audit: 'y', 'warn-version': '1.2' })).toEqual([
    'restricted:latest',
    open,
    open,
    'metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "x": must be one of privileged, baseline, restricted',
    'metadata.labels[pod-security.kubernetes.io/audit]: Invalid value: "y": must be one of privileged, baseline, restricted',
    'metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.2": must be "latest" or "v1.x"',
  ])
})

test('an update counts where it changes what is looked at', () => {
  const of = (spec: object, annotations = {}) => ({ metadata: { annotations }, ...pod(spec) }) as never
  expect(isSignificant(of({}), of({ activeDeadlineSeconds: 5 }))).toBe(false)
  expect(isSignificant(of({}), of({ containers: [{ name: 'a', image: 'other' }] }))).toBe(true)
  expect(isSignificant(of({ ephemeralContainers: [{ name: 'e', image: 'i' }] }), of({}))).toBe(true)
  expect(isSignificant(of({}, { 'seccomp.security.alpha.kubernetes.io/pod': 'x' }), of({}))).toBe(true)
})
