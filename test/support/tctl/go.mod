module temporal-vacuum/tctl

go 1.24

require github.com/temporalio/tctl v1.18.0
