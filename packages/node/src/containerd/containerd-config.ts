import { join } from 'node:path'
import type { Places } from './places.ts'

export interface ConfigChoices {
  readonly snapshotter: 'overlayfs' | 'native'
  readonly cniBinDir: string
  readonly sandboxImage: string
  /** -999 keeps containerd from being killed first when memory runs out; lowering it needs CAP_SYS_RESOURCE. */
  readonly oomScore: number
}

const toml = (value: string): string => JSON.stringify(value)

// Snapshotters for file systems that Skiff does not set up, and a plugin that would create /opt/containerd.
const disabled = [
  'io.containerd.internal.v1.opt',
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
  'io.containerd.tracing.processor.v1.otlp',
]

/** containerd's config file (version 2: read by 1.6, 1.7 and 2.x). Everything it writes lies under `places`. */
export const containerdConfig = (places: Places, choices: ConfigChoices): string => `version = 2
root = ${toml(places.root)}
state = ${toml(places.state)}
oom_score = ${choices.oomScore}
disabled_plugins = [${disabled.map(toml).join(', ')}]

[grpc]
  address = ${toml(places.socket)}
  max_recv_message_size = 41943040
  max_send_message_size = 41943040

[ttrpc]
  address = ${toml(`${places.socket}.ttrpc`)}

[debug]
  level = "warn"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${toml(choices.sandboxImage)}
  # Containers may not have a lower score than containerd: lowering needs CAP_SYS_RESOURCE, which a container host may lack.
  restrict_oom_score_adj = true
  # Network namespaces lie in the state directory, not in one that all containerds of the machine share.
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  # As upstream's nodes have it: port 80 and ping without privileges.
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${toml(choices.cniBinDir)}
    conf_dir = ${toml(places.cniConfigDir)}
    max_conf_num = 1

  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"
    snapshotter = ${toml(choices.snapshotter)}

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        Root = ${toml(join(places.state, 'runc'))}
        SystemdCgroup = false

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = ${toml(places.registryDir)}
`
