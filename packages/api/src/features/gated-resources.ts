import type { ResourceFacts } from '../facts.ts'
import type { Gates } from './gates.ts'
import type { GateName } from './known.ts'
import type { Serves } from './runtime-config.ts'

/** Resources that upstream installs only while a feature is on, besides what the runtime config says. By `group/plural`. */
const resourceGates: Readonly<Record<string, GateName>> = {
  'certificates.k8s.io/clustertrustbundles': 'ClusterTrustBundle',
  'coordination.k8s.io/leasecandidates': 'CoordinatedLeaderElection',
  'storage.k8s.io/volumeattributesclasses': 'VolumeAttributesClass',
}

/** By `group/plural/subresource`. */
const subresourceGates: Readonly<Record<string, GateName>> = {
  '/pods/resize': 'InPlacePodVerticalScaling',
}

const isOn = (gate: GateName | undefined, gates: Gates): boolean => gate === undefined || gates[gate]

/** The facts of what is served under these gates and this runtime config, without the subresources that are not. */
export const servedResources = (resources: readonly ResourceFacts[], serves: Serves, gates: Gates): readonly ResourceFacts[] =>
  resources
    .filter((facts) => !facts.aggregated && serves(facts) && isOn(resourceGates[`${facts.group}/${facts.plural}`], gates))
    .map((facts) => {
      const subresources = facts.subresources?.filter(({ name }) => isOn(subresourceGates[`${facts.group}/${facts.plural}/${name}`], gates))
      return subresources === undefined || subresources.length === facts.subresources?.length ? facts : { ...facts, subresources }
    })
