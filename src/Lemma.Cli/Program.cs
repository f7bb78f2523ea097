Lemma.Cli.Parsing.StandardInput.MakeStrict();
return Lemma.Cli.CommandLine.Run(args);
