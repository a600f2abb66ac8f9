// Argo CD's application controller and repository server in one process, with what they keep in Redis kept in
// memory, and all that listens on loopback: for tests. Its arguments are the namespace that it lives in, or `version`.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/argoproj/argo-cd/v3/commitserver/apiclient"
	"github.com/argoproj/argo-cd/v3/common"
	"github.com/argoproj/argo-cd/v3/controller"
	"github.com/argoproj/argo-cd/v3/controller/sharding"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/pkg/client/clientset/versioned"
	"github.com/argoproj/argo-cd/v3/reposerver"
	repoclient "github.com/argoproj/argo-cd/v3/reposerver/apiclient"
	repocache "github.com/argoproj/argo-cd/v3/reposerver/cache"
	"github.com/argoproj/argo-cd/v3/reposerver/metrics"
	"github.com/argoproj/argo-cd/v3/reposerver/repository"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	"github.com/argoproj/argo-cd/v3/util/cache"
	"github.com/argoproj/argo-cd/v3/util/cache/appstate"
	"github.com/argoproj/argo-cd/v3/util/git"
	"github.com/argoproj/argo-cd/v3/util/kube"
	"github.com/argoproj/argo-cd/v3/util/settings"
)

// The defaults of the programs of a release.
const (
	resync      = 2 * time.Minute
	jitter      = time.Minute
	cached      = 24 * time.Hour
	revisions   = 3 * time.Minute
	states      = time.Hour
	gracePeriod = 3 * time.Minute
	cooldown    = 330 * time.Second
)

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("which namespace?"))
	}
	if os.Args[1] == "version" {
		fmt.Println(version())
		return
	}
	fail(run(context.Background(), os.Args[1]))
}

func version() string {
	built, _ := debug.ReadBuildInfo()
	for _, module := range built.Deps {
		if module.Path == "github.com/argoproj/argo-cd/v3" {
			return module.Version
		}
	}
	return ""
}

func run(ctx context.Context, namespace string) error {
	repositories, err := serveRepositories()
	if err != nil {
		return err
	}
	loaded := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{})
	config, err := loaded.ClientConfig()
	if err != nil {
		return err
	}
	if err := v1alpha1.SetK8SConfigDefaults(config); err != nil {
		return err
	}
	config.UserAgent = common.ApplicationController
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	applications, err := versioned.NewForConfig(config)
	if err != nil {
		return err
	}
	known := settings.NewSettingsManager(ctx, client, namespace)
	shards, err := sharding.GetClusterSharding(client, known, common.DefaultShardingAlgorithm, false)
	if err != nil {
		return err
	}
	controller, err := controller.NewApplicationController(
		namespace, known, client, applications,
		repoclient.NewRepoServerClientset(repositories, 60, repoclient.TLSConfiguration{DisableTLS: true}),
		apiclient.NewCommitServerClientset(""),
		appstate.NewCache(inMemory(), states),
		kube.NewKubectl(),
		resync, 0, jitter,
		0, &wait.Backoff{Duration: 2 * time.Second, Factor: 3, Cap: 5 * time.Minute}, cooldown,
		0, gracePeriod,
		0, 0, nil, nil, nil,
		20,
		// The health of each object stands in the status of its Application, for whoever has no web page.
		true,
		shards, nil, nil, false, false, normalizers.IgnoreNormalizerOpts{}, nil, false,
	)
	if err != nil {
		return err
	}
	controller.GetMetricsServer().Addr = "127.0.0.1:0"
	controller.Run(ctx, 20, 10)
	return fmt.Errorf("the controller ended")
}

// Serves manifests of repositories on loopback; gives the address.
func serveRepositories() (string, error) {
	atMost := resource.MustParse("10M")
	server, err := reposerver.NewServer(
		metrics.NewMetricsServer(),
		repocache.NewCache(inMemory(), cached, revisions, 10*time.Second),
		nil,
		repository.RepoServerInitConstants{MaxCombinedDirectoryManifestsSize: atMost},
		git.NoopCredsStore{},
	)
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { fail(server.CreateGRPC().Serve(listener)) }()
	return listener.Addr().String(), nil
}

func inMemory() *cache.Cache {
	return cache.NewCache(cache.NewInMemoryCache(cached))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
