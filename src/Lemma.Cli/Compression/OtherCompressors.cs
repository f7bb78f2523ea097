using System.ComponentModel;
using System.Diagnostics;
using System.IO.Compression;

namespace Lemma.Cli.Compression;

/// <summary>What others make of a file, at their best.</summary>
internal static class OtherCompressors
{
    public static IEnumerable<(string Name, long Bytes)> Measure(string path, byte[] content)
    {
        using MemoryStream brotli = new();
        using (BrotliStream stream = new(brotli, CompressionLevel.SmallestSize, leaveOpen: true))
            stream.Write(content);
        yield return ("brotli, quality 11", brotli.Length);
        if (ByTool("zstd", ["--ultra", "-22", "-c", "-q", path]) is { } zstd)
            yield return ("zstd -22", zstd);
        if (ByTool("xz", ["-9e", "-k", "-c", path]) is { } xz)
            yield return ("xz -9e", xz);
    }

    // Null where there is no such tool.
    private static long? ByTool(string tool, string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true })!;
            byte[] part = new byte[1 << 16];
            long bytes = 0;
            for (int read; (read = process.StandardOutput.BaseStream.Read(part)) > 0;)
                bytes += read;
            process.WaitForExit();
            return process.ExitCode == 0 ? bytes : throw new IOException($"{tool} ended with {process.ExitCode}");
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
