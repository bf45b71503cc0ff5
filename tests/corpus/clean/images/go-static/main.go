// Command playlist serves the playlists of an origin with the segments' addresses made absolute.
package main

import (
	"bufio"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {
	origin := os.Getenv("ORIGIN")
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		response, err := http.Get(origin + r.URL.Path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			line := lines.Text()
			if line != "" && !strings.HasPrefix(line, "#") {
				line = origin + "/" + line
			}
			fmt.Fprintln(w, line)
		}
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
