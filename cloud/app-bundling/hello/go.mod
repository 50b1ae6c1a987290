module greengrass-itsm/hello

go 1.19
