using System.Diagnostics;

namespace Lemma.Tests.Cli;

/// <summary>Runs the built tool as a user would, in a process of its own.</summary>
internal static class Tool
{
    public static (int ExitCode, string Output, string Error) Run(string arguments, params (string Name, string Value)[] environment)
    {
        using Process process = Start(arguments, environment);
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.GetAwaiter().GetResult());
    }

    public static Process Start(string arguments, params (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = new("dotnet", $"\"{Path.Combine(AppContext.BaseDirectory, "Lemma.Cli.dll")}\" {arguments}")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
