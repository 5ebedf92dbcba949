// A Pub/Sub server on 127.0.0.1:PORT: Google's own pstest, as a process. It keeps nothing when it ends.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"cloud.google.com/go/pubsub/v2/pstest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: pubsub PORT")
		os.Exit(2)
	}
	server := pstest.NewServerWithAddress("127.0.0.1:" + os.Args[1])
	defer server.Close()
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	<-ended
}
