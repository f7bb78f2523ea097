return Lemma.Cli.CommandLine.Run(args);
