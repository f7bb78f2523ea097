using System.Globalization;
using Lemma.Formats;

namespace Lemma.Tests.Formats;

/// <summary>Every reader is given files that were changed at random: it reads them or says in one sentence what is wrong.</summary>
public class FormatFuzzTests
{
    private const int MostBytes = 4_000_000;

    /// <summary>Changes of each file; LEMMA_FUZZ names another number for a longer run.</summary>
    private static readonly int Changes = int.Parse(Environment.GetEnvironmentVariable("LEMMA_FUZZ") ?? "1000", CultureInfo.InvariantCulture);

    private static readonly byte[] Alphabet = "{}[]\":,0123456789-eE.\\u truefalsn F32B16dtypeshapdata_offsetsQRbctXKMJq()hu."u8.ToArray();

    private static readonly long[] Numbers = [0, 1, 2, 7, 31, 255, 1 << 16, int.MaxValue, uint.MaxValue, 1L << 40, long.MaxValue, long.MinValue, -1];

    public static TheoryData<string> Names => ["a.safetensors", "model.safetensors.index.json", "gguf/all.gguf", "gguf/parts-00001-of-00003.gguf",
        "pytorch/archive.bin", "pytorch/archive-nested.pt", "pytorch/protocol4.bin", "pytorch/old.bin", "pytorch/old-nested.pt"];

    [Theory, MemberData(nameof(Names))]
    public void AChangedFileIsReadOrRefused(string name)
    {
        using TemporaryFolder folder = new();
        byte[] good = Good(folder, name);
        string path = folder[Path.GetFileName(name)];
        Random random = new(5);
        int read = 0, refused = 0;
        for (int trial = 0; trial < Changes; trial++)
        {
            File.WriteAllBytes(path, Change(good, random));
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using TensorFile file = TensorFile.Open(path);
                foreach (TensorEntry entry in file.Tensors.Where(entry => entry.Type is "F32" or "F16" or "BF16" || BlockFormat.Find(entry.Type) is not null))
                    file.Read(entry, new float[Math.Min(entry.Count, 1000)], 0);
                read++;
            }
            catch (Exception error) when (error is InvalidDataException or FileNotFoundException)
            {
                Assert.StartsWith(folder[""], error.Message, StringComparison.Ordinal);
                refused++;
            }
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < MostBytes, $"trial {trial} took too much memory");
        }
        Assert.True(read > 0 && refused > Changes / 10, $"{read} read, {refused} refused");
    }

    private static byte[] Good(TemporaryFolder folder, string name)
    {
        SafetensorsTensor[] tensors = [new("a", [2], () => new float[2], FloatType.BF16), new("b", [1, 3], () => new float[3])];
        if (name == "a.safetensors")
            SafetensorsWriter.Write(folder[name], tensors);
        else if (name.EndsWith(".json", StringComparison.Ordinal))
            SafetensorsWriter.WriteFolder(folder[""], tensors, new SafetensorsOptions { MaximumShardBytes = 12 });
        else
        {
            string golden = Path.Combine(AppContext.BaseDirectory, "Golden", Path.GetDirectoryName(name)!);
            foreach (string file in Directory.GetFiles(golden))
                File.Copy(file, folder[Path.GetFileName(file)]);
        }
        return File.ReadAllBytes(folder[Path.GetFileName(name)]);
    }

    private static byte[] Change(byte[] good, Random random)
    {
        List<byte> bytes = [.. good];
        for (int i = random.Next(1, 4); i > 0 && bytes.Count > 0; i--)
        {
            int at = random.Next(bytes.Count);
            byte value = random.Next(3) == 0 ? (byte)random.Next(256) : Alphabet[random.Next(Alphabet.Length)];
            switch (random.Next(8))
            {
                case 7 when bytes.Count >= sizeof(long):
                    // A length, a count, a place: whole numbers of 64 bits begin at multiples of 4.
                    byte[] number = BitConverter.GetBytes(Numbers[random.Next(Numbers.Length)]);
                    int place = random.Next(bytes.Count - sizeof(long) + 1) / 4 * 4;
                    for (int j = 0; j < number.Length; j++)
                        bytes[place + j] = number[j];
                    break;
                case 0:
                    bytes.RemoveRange(at, Math.Min(bytes.Count - at, random.Next(1, 9)));
                    break;
                case 1:
                    bytes.Insert(at, value);
                    break;
                case 2:
                    bytes[at] = 0xFF;
                    break;
                case 3 when random.Next(4) == 0:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 4:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 60), bytes.Count - at)));
                    break;
                default:
                    bytes[at] = value;
                    break;
            }
        }
        return [.. bytes];
    }
}
