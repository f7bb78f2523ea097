namespace Lemma.Cli.Parsing;

/// <summary>Options that contradict each other or the files: wrong usage, exit code 2.</summary>
internal sealed class UsageException(string message) : Exception(message);
