module klamm/compat
go 1.24
