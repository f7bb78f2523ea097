using Lemma.Formats;

namespace Lemma.Tests.Formats;

public class ShardTests
{
    private static readonly SafetensorsTensor[] Tensors =
        [new("b", [3], () => new float[] { 1, 2, 3 }), new("a", [2, 2], () => new float[] { 4, 5, 6, 7 }), new("c", [1], () => new float[] { 8 })];

    [Fact]
    public void AFolderOfSeveralFilesReadsAsOne()
    {
        using TemporaryFolder folder = new();
        List<(long, long)> told = [];
        AtomicFolder.Write(folder["model"], into => SafetensorsWriter.WriteFolder(into, Tensors,
            new SafetensorsOptions { MaximumShardBytes = 16, Progress = (written, all) => told.Add((written, all)) }));
        Assert.Equal([(16, 32), (28, 32), (32, 32)], told);
        Assert.Equal(["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"],
            Directory.GetFiles(folder["model"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using TensorFile file = TensorFile.Open(folder["model"]);
        Assert.Equal(["a", "b", "c"], file.Tensors.Select(entry => entry.Name));
        float[] values = new float[3];
        file.Read(file.Find("b")!, values);
        Assert.Equal([1, 2, 3], values);
        Assert.EndsWith("model-00002-of-00002.safetensors", file.Find("c")!.File, StringComparison.Ordinal);
    }

    [Fact]
    public void OneFileNeedsNoIndex()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["model"]);
        SafetensorsWriter.WriteFolder(folder["model"], Tensors);
        Assert.Equal([Path.Combine(folder["model"], "model.safetensors")], Directory.GetFiles(folder["model"]));
        using TensorFile file = TensorFile.Open(folder["model"]);
        Assert.Equal(3, file.Tensors.Count);
    }

    [Theory]
    [InlineData("""{"weight_map": {"a": "one", "b": "two", "c": "three", "d": "four"}}""", "3 of 4 files are missing: four, three, two")]
    [InlineData("""{"weight_map": {"a": "../one"}}""", "weight_map.a must be the name of a file beside the index")]
    [InlineData("""{"weight_map": {"a": "one"}}""", "the tensor 'b' is in one, but not in the index")]
    [InlineData("""{"weight_map": {"a": "one", "b": "one", "c": "one", "d": "one"}}""", "1 tensors are in none of the files: d")]
    [InlineData("""{"weight_map": {"a": "one", "a": "one"}}""", "the key 'a' occurs twice in one object, the second time in line 1, column 29")]
    [InlineData("""{"weight_map": {"a": 1}}""", "weight_map.a must be a text, but is 1")]
    [InlineData("""{"metadata": {}}""", "weight_map must be an object, but is missing")]
    [InlineData("[", "the file must be JSON")]
    public void WhatTheIndexGetsWrongIsSaid(string index, string reason)
    {
        using TemporaryFolder folder = new();
        SafetensorsWriter.Write(folder["one"], Tensors);
        string path = folder.Write("model.safetensors.index.json", index);
        IOException? missing = Record.Exception(() => TensorFile.Open(path)) as IOException;
        string message = missing?.Message ?? Assert.Throws<InvalidDataException>(() => TensorFile.Open(path)).Message;
        Assert.StartsWith(path + ": ", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFolderWithoutTensorsSaysWhatItLooksFor()
    {
        using TemporaryFolder folder = new();
        Assert.Contains("has none of model.safetensors, model.safetensors.index.json, pytorch_model.bin",
            Assert.Throws<FileNotFoundException>(() => TensorFile.Open(folder[""])).Message, StringComparison.Ordinal);
        Assert.Contains("no file and no folder", Assert.Throws<FileNotFoundException>(() => TensorFile.Open(folder["x"])).Message, StringComparison.Ordinal);
    }
}
