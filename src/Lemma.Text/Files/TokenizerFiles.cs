namespace Lemma.Text.Files;

/// <summary>Finds out which kind of tokenizer a file or folder holds, and reads it.</summary>
internal static class TokenizerFiles
{
    /// <summary>Reads any file that Lemma knows, or the first of them that a folder has.</summary>
    public static Tokenizer Read(string path)
    {
        if (Directory.Exists(path))
            path = FindIn(path);
        string name = Path.GetFileName(path);
        if (name == "vocab.txt")
            return VocabularyTextFile.Read(path);
        if (name is "vocab.json" or "merges.txt")
            return MergesFile.Read(Path.GetDirectoryName(Path.GetFullPath(path))!);
        if (name == "tekken.json")
            return TekkenFile.Read(path);
        if (IsLlama2(name))
            return Llama2File.Read(path);
        if (RwkvFile.IsNamed(name))
            return RwkvFile.Read(path);
        if (name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
            return GgufVocabulary.Read(path);
        if (name.EndsWith(".tiktoken", StringComparison.Ordinal))
            return TiktokenFile.Read(path, null, null);
        if (name.EndsWith(".spm", StringComparison.Ordinal) || name.EndsWith(".spiece", StringComparison.Ordinal))
            return SentencePieceFile.Read(path);
        if (name.EndsWith(".model", StringComparison.Ordinal) || name.Contains(".model.v", StringComparison.Ordinal))
            return StartsWithBase64Line(path) ? TiktokenFile.Read(path, null, null) : SentencePieceFile.Read(path);
        return TokenizerFile.Read(path);
    }

    private static string FindIn(string folder)
    {
        foreach (string name in (ReadOnlySpan<string>)["tokenizer.json", "tokenizer.model", "spiece.model", "tekken.json", "vocab.json", "vocab.txt"])
            if (File.Exists(Path.Combine(folder, name)))
                return Path.Combine(folder, name);
        foreach (string pattern in (ReadOnlySpan<string>)["*.model", "*.model.v*", "*.spm", "*.spiece", "*.tiktoken", "rwkv_vocab*.txt", "*.gguf",
                     "tok*.bin"])
            if (Directory.EnumerateFiles(folder, pattern).Order(StringComparer.Ordinal).FirstOrDefault() is string file)
                return file;
        return Path.Combine(folder, "tokenizer.json");
    }

    // tokenizer.bin, tok512.bin, tok4096.bin
    private static bool IsLlama2(string name) => name.StartsWith("tok", StringComparison.Ordinal) && name.EndsWith(".bin", StringComparison.Ordinal);

    // Llama 3 calls its rank file tokenizer.model, as SentencePiece does.
    private static bool StartsWithBase64Line(string path)
    {
        if (!File.Exists(path))
            return false;
        using FileStream stream = File.OpenRead(path);
        Span<byte> start = stackalloc byte[64];
        int count = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        int space = start[..count].IndexOf((byte)' ');
        return space > 0 && start[..space].IndexOfAnyExcept(
            System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="u8)) < 0;
    }
}
