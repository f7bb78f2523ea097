using Lemma.Checkpoints;
using Lemma.Models;

namespace Lemma.Bench;

/// <summary>Reads every model below a folder and writes it anew, for other programs to open (bench/peers/load_folders.py).</summary>
internal static class WrittenFolders
{
    public static void Run(string from, string to)
    {
        foreach (string folder in Directory.EnumerateDirectories(from).Order(StringComparer.Ordinal))
        {
            string copy = Path.Combine(to, Path.GetFileName(folder)), expected = Path.Combine(folder, "expected.json");
            using (Model model = ModelFolder.Read(folder))
                ModelFolder.Write(copy, model);
            if (File.Exists(expected))
                File.Copy(expected, Path.Combine(copy, "expected.json"), overwrite: true);
            Console.WriteLine(copy);
        }
    }
}
